/**
 * A transfer under way: the data connection in the kernel's table beside its master, and the expectation that
 * let it in.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { flushConnections } from '../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { lookAtTransfer } from '../lab/transfer-under-way.js';
import { ROWS } from './rows.js';
import { openScene, type Scene } from './scene.js';

describe('a transfer under way', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ placement: 'gateway', program: vsftpd });
    await loadDaemonRules(scene.topology.firewall, [21]);
    await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
    return () => scene.laboratory.close();
  });

  for (const { label, mode, family } of ROWS.filter(({ client }) => client.name === 'curl')) {
    it(`is an expected connection beside its master, ${label}`, async () => {
      await flushConnections(scene.topology.firewall);
      const { expectation, dataLine, controlLine } = await lookAtTransfer(scene, family, mode);
      const { tuple, master } = expectation;
      expect(dataLine).toContain(`src=${tuple.source} dst=${tuple.destination} `);
      expect(dataLine).toContain(` dport=${tuple.destinationPort} `);
      expect(controlLine).toContain(`src=${master.source} dst=${master.destination} `);
      expect(controlLine).toContain(` sport=${master.sourcePort} dport=21 `);
      expect(controlLine).toContain(`helper=${DEFAULT_ANCHOR} `);
    });
  }
});
