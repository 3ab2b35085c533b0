/**
 * A server on port 2121 beside one on port 21: a ruleset and a daemon for both.
 *
 * @module
 */
import { beforeAll, describe, it } from 'vitest';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { DEFAULT_SETTINGS, startServer } from '../lab/servers/server.js';
import { proftpd } from '../lab/servers/proftpd.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { ROWS } from './rows.js';
import { openScene, type Scene } from './scene.js';
import { expectBlocked, expectAllPass } from './transfers.js';

const OTHER_PORT = 2121;
const PORTS = [21, OTHER_PORT];

describe('ports 21 and 2121', () => {
  let onUsualPort: Scene;
  let onOtherPort: Scene;
  let daemon: Daemon | undefined;
  beforeAll(async () => {
    onUsualPort = await openScene({
      placement: 'gateway',
      program: vsftpd,
      ports: PORTS,
    });
    const { laboratory, topology } = onUsualPort;
    await loadDaemonRules(topology.firewall, PORTS);
    const settings = { ...DEFAULT_SETTINGS, port: OTHER_PORT };
    onOtherPort = {
      ...onUsualPort,
      server: await startServer(laboratory, proftpd, topology.server, settings),
    };
    return () => laboratory.close();
  });

  it('blocks every data connection of port 2121 without the daemon', () => expectBlocked(onOtherPort, ROWS));

  describe('with the daemon', () => {
    beforeAll(async () => {
      daemon = await Daemon.start(onUsualPort.laboratory, onUsualPort.topology.firewall, { ports: PORTS });
    });

    for (const row of ROWS) {
      it(`passes ${row.label} on port 2121`, () => expectAllPass(onOtherPort, row, daemon));
    }
    for (const row of ROWS.filter(({ client }) => client.name === 'curl')) {
      it(`passes ${row.label} on port 21 beside it`, () => expectAllPass(onUsualPort, row, daemon));
    }
  });
});
