/**
 * Hosts with the packet filters that this project began with (`seed-rules.ts`), and vsftpd as the same notes
 * set it up: where they relied on the kernel's module they work with the daemon in its place and not without
 * it; where they opened whole port ranges, rules for related connections alone suffice.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { isPassive, type Mode } from '../lab/clients/client.js';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { FAMILIES, urlHost } from '../lab/family.js';
import { startServer } from '../lab/servers/server.js';
import { vsftpd, vsftpdWith } from '../lab/servers/vsftpd.js';
import type { Host } from '../lab/topology.js';
import { ROWS } from './rows.js';
import { openScene, type Scene } from './scene.js';
import {
  narrowClient,
  narrowServer,
  openClient,
  openServer,
  PASSIVE_PORTS,
  statefulClient,
  statefulServer,
} from './seed-rules.js';
import { expectBlocked, expectOpen, expectAllPass } from './transfers.js';

interface Filter {
  readonly name: string;
  readonly placement: 'client-host' | 'server-host';
  /** The filter of the host that has these addresses. */
  readonly rules: (address: Host['address']) => string;
}

const STATEFUL: readonly Filter[] = [
  { name: 'stateful client', placement: 'client-host', rules: statefulClient },
  { name: 'stateful server', placement: 'server-host', rules: statefulServer },
  { name: 'narrow client', placement: 'client-host', rules: narrowClient },
  { name: 'narrow server', placement: 'server-host', rules: narrowServer },
];
const OPEN: readonly Filter[] = [
  { name: 'open client', placement: 'client-host', rules: openClient },
  { name: 'open server', placement: 'server-host', rules: openServer },
];

/** The notes switch vsftpd from one mode to the other. */
const VSFTPD_MODES = [
  { name: 'passive', pasv_enable: 'YES', serves: isPassive },
  { name: 'active', pasv_enable: 'NO', serves: (mode: Mode) => !isPassive(mode) },
] as const;

const CURL_ROWS = ROWS.filter(({ client }) => client.name === 'curl');
/** Nothing of FTP's, and in every range that the notes open. */
const STRAY_PORT = 30_500;

for (const filter of STATEFUL) {
  describe(filter.name, () => {
    it('lets no other connection in', () => withScene(filter, 'YES', expectStrayConnection('stopped')));
  });

  for (const { name, pasv_enable, serves } of VSFTPD_MODES) {
    describe(`${filter.name}, vsftpd in ${name} mode`, () => {
      const rows = CURL_ROWS.filter(({ mode }) => serves(mode));
      let scene: Scene;
      beforeAll(async () => {
        scene = await openSeedScene(filter, pasv_enable);
        await loadDaemonRules(scene.topology.firewall, [21]);
        return () => scene.laboratory.close();
      });

      it('blocks data connections without the daemon', () => expectBlocked(scene, rows));

      describe('with the daemon', () => {
        let daemon: Daemon;
        beforeAll(async () => {
          daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
        });
        for (const row of rows) it(`passes ${row.label}`, () => expectAllPass(scene, row, daemon));
      });
    });
  }
}

for (const filter of OPEN) {
  describe(filter.name, () => {
    it('lets connections of others in', () => withScene(filter, 'YES', expectStrayConnection('let in')));

    for (const { name, pasv_enable, serves } of VSFTPD_MODES) {
      it(`passes data connections without module or daemon, vsftpd in ${name} mode`, () =>
        withScene(filter, pasv_enable, (scene) =>
          expectOpen(
            scene,
            CURL_ROWS.filter(({ mode }) => serves(mode)),
          ),
        ));
    }
  });
}

async function withScene(
  filter: Filter,
  pasv_enable: 'YES' | 'NO',
  examine: (scene: Scene) => Promise<void>,
): Promise<void> {
  const scene = await openSeedScene(filter, pasv_enable);
  try {
    await examine(scene);
  } finally {
    await scene.laboratory.close();
  }
}

/** vsftpd as the notes set it up, and a host with `filter`. */
async function openSeedScene({ placement, rules }: Filter, pasv_enable: 'YES' | 'NO'): Promise<Scene> {
  const scene = await openScene({
    placement,
    program: vsftpdWith({ pasv_enable, connect_from_port_20: 'YES' }),
    server: { port: 21, passivePorts: PASSIVE_PORTS },
    filter: ({ client, server }) => rules(placement === 'client-host' ? client.address : server.address),
  });
  if (rules === statefulClient) {
    await scene.topology.client.namespace.setParameters({
      'net.ipv4.ip_local_port_range': PASSIVE_PORTS.join(' '),
    });
  }
  return scene;
}

/** Someone connects to a port of the filtering host that no FTP session announced. */
const expectStrayConnection =
  (outcome: 'let in' | 'stopped') =>
  async ({ laboratory, topology }: Scene): Promise<void> => {
    const { client, server, placement } = topology;
    const [target, stranger] = placement === 'client-host' ? [client, server] : [server, client];
    await startServer(laboratory, vsftpd, target, { port: STRAY_PORT, passivePorts: PASSIVE_PORTS });
    // What a client lets in comes from port 20.
    const from = placement === 'client-host' ? ['--local-port', '20'] : [];
    // The second connection from there must not find the first in TIME_WAIT.
    await stranger.namespace.setParameters({ 'net.ipv4.tcp_max_tw_buckets': '0' });
    for (const family of FAMILIES) {
      const url = `ftp://${urlHost(target.address[family])}:${STRAY_PORT}/`;
      const { status } = await stranger.namespace.run([
        'curl',
        ...['--silent', '--head', '--globoff', '--connect-timeout', '2', ...from, url],
      ]);
      expect(status, `IPv${family}`).toBe(outcome === 'let in' ? CURL_SUCCEEDED : CURL_TIMED_OUT);
    }
  };

/** Exit codes of curl(1). */
const CURL_SUCCEEDED = 0;
const CURL_TIMED_OUT = 28;
