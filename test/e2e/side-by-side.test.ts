/**
 * Two labs on one machine at the same time, as two runs of the tests are: with the same addresses, ports and queue number, and
 * neither sees anything of the other.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { EACH_MODE, KeepingClients } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

interface Run {
  readonly scene: Scene;
  readonly daemon: Daemon;
}

async function open(): Promise<Run> {
  const scene = await openScene({ placement: 'gateway', program: vsftpd });
  const { laboratory, topology } = scene;
  await loadDaemonRules(topology.firewall, [21]);
  return { scene, daemon: await Daemon.start(laboratory, topology.firewall, { ports: [21] }) };
}

describe('two labs at once', () => {
  let runs: readonly Run[] = [];
  beforeAll(async () => {
    runs = await Promise.all([open(), open()]);
    return () => Promise.all(runs.map(({ scene }) => scene.laboratory.close()));
  });

  it('serve only their own sessions', async () => {
    const clients = await Promise.all(runs.map(({ scene }) => KeepingClients.start(scene)));
    await Promise.all(clients.map((each) => each.awaitTransfers()));
    await Promise.all(clients.map((each) => each.stop()));
    for (const [at, { scene, daemon }] of runs.entries()) {
      const { transfers = [] } = clients[at] ?? {};
      clients[at]?.expectAllBut([]);
      await daemon.stop();
      expect(daemon.counter('connections')).toBe(EACH_MODE.length);
      expect(daemon.counter('expected')).toBe(transfers.length);
      expect(daemon.counter('defects')).toBe(0);
      expect(scene.watch.events.filter(({ kind }) => kind === 'NEW')).toHaveLength(transfers.length);
    }
  });
});
