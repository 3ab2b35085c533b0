/**
 * A transfer under way, as an administrator sees it with conntrack-tools.
 *
 * @module
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sessionWith } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { waitFor } from '../lab/condition.js';
import { connectionLines } from '../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { FAMILIES } from '../lab/family.js';
import { writePatternFile } from '../lab/ftp-root.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { openScene, type Scene } from './scene.js';

/** So slow that it outlasts any look at it, and is ended by us. */
const SLOW = ['--limit-rate', '10K'];
const FILE = 'slow.bin';

describe('a transfer under way', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({
      placement: 'gateway',
      program: vsftpd,
    });
    await loadDaemonRules(scene.topology.firewall, [21]);
    await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
    writePatternFile(join(scene.server.root, FILE), 5_000_000);
    return () => scene.laboratory.close();
  });

  for (const family of FAMILIES) {
    it(`is an expected connection beside its master, IPv${family}`, async () => {
      const { server, topology, laboratory, watch } = scene;
      const seen = watch.events.length;
      const work = { kind: 'download', names: [FILE], into: laboratory.makeFolder('downloads') } as const;
      const { command } = curl.invoke(sessionWith(server, family, 'EPSV'), work);
      const transfer = await laboratory.start(topology.client.namespace, [...command, ...SLOW]);
      const [expectation] = await watch.awaitExpectations(1, seen);

      const data = await waitFor('the data connection', async () => {
        const lines = await connectionLines(topology.firewall, family, '--status', 'EXPECTED');
        return lines.find((line) => line.includes('ESTABLISHED'));
      });
      const control = await connectionLines(topology.firewall, family, '-p', 'tcp', '--dport', '21');
      await transfer.stop();

      expect(data).toContain(`dport=${expectation?.tuple.destinationPort ?? 'none'} `);
      expect(control).toHaveLength(1);
      expect(control[0]).toContain(`ESTABLISHED`);
      expect(control[0]).toContain(`sport=${expectation?.master.sourcePort ?? 'none'} dport=21 `);
      expect(control[0]).toContain(`helper=${DEFAULT_ANCHOR}`);
      console.log([expectation?.line, data, control[0]].join('\n'));
    });
  }
});
