/**
 * A worker dies repeatedly while sessions fetch files. Sessions of other workers are not affected. Its own sessions keep
 * their control connections, and fetch files again once the worker has restarted.
 *
 * @module
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../lab/condition.js';
import { conntrackFtp, Daemon, loadDaemonRules } from '../lab/daemon.js';
import { queueState } from '../lab/queue-state.js';
import { workersByClient } from './connection-workers.js';
import { EACH_MODE, impatientVsftpd, KeepingClients } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

const WORKERS = ['--workers', '4', '--queue', '8'];
const DYING = 2;
const DYING_QUEUE = 9;
/** Of each family, as many as all workers can share evenly. */
const SESSIONS = [...EACH_MODE, ...EACH_MODE];
const EACH_WORKERS = SESSIONS.length / 4;
/** Longer than a worker keeps its counters to itself. */
const TELLS_WITHIN_MS = 11_000;
/** Far more than it takes to die. */
const LASTING_SECONDS = 2;
/** Megabytes, so that it is used up soon. */
const HEAP = '--max-old-space-size=64';
const PRELOAD = join(import.meta.dirname, 'dying-worker.mjs');

const DEATHS = [
  { way: 'throw', cause: 'on purpose' },
  { way: 'exit', cause: 'the thread ended with exit code 7' },
  { way: 'memory', cause: 'Worker terminated due to reaching memory limit: JS heap out of memory' },
] as const;

describe('a worker that dies', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
    await loadDaemonRules(scene.topology.firewall, [21], ...WORKERS);
    return () => scene.laboratory.close();
  });

  async function start(deathFile: string): Promise<Daemon> {
    const surroundings = [`DYING_WORKER=${DYING}`, `DEATH_FILE=${deathFile}`] as const;
    const program = [
      'env',
      ...surroundings,
      `NODE_OPTIONS=${HEAP} --import=${PRELOAD}`,
      ...conntrackFtp(),
    ] as const;
    const { laboratory, topology } = scene;
    return Daemon.startAs(laboratory, topology.firewall, program, { ports: [21], options: WORKERS });
  }

  /** The worker has been started again, and has not died of it. */
  function lasts(daemon: Daemon): boolean {
    const last = (event: string): number => Number(daemon.events(event).at(-1)?.['time']);
    const restart = last('worker-restarted');
    return restart > last('worker-died') && Date.now() / 1000 - restart > LASTING_SECONDS;
  }

  /** Sessions that have fetched their file, in transfers that began after `from`. */
  const fetchedSince = (clients: KeepingClients, from: number): number =>
    new Set(
      clients.transfers.filter(({ begun, bytes }) => begun > from && bytes > 0).map(({ session }) => session),
    ).size;

  it.each(DEATHS)('by $way', async ({ way, cause }) => {
    const deathFile = join(scene.laboratory.makeFolder('death'), 'way');
    const daemon = await start(deathFile);
    const clients = await KeepingClients.start(scene, SESSIONS);
    const readers = [...workersByClient(daemon.decisions).values()].flatMap((workers) => [...workers]);
    expect(readers.filter((worker) => worker === DYING)).toHaveLength(EACH_WORKERS);
    await pause(TELLS_WITHIN_MS);

    const from = Date.now();
    writeFileSync(`${deathFile}.new`, way);
    renameSync(`${deathFile}.new`, deathFile);
    await waitFor('the queue to be free', async () => {
      return (await queueState(scene.topology.firewall, DYING_QUEUE)) === undefined;
    });
    await waitFor('deaths', () => daemon.events('worker-died').length > 2);
    await waitFor('the others', () => fetchedSince(clients, from) >= SESSIONS.length - EACH_WORKERS);
    rmSync(deathFile);
    await waitFor('the last restart', () => lasts(daemon));
    const gap = { from, to: Date.now() };

    await clients.awaitTransfers();
    await clients.stop();
    clients.expectAllBut([gap]);
    await daemon.stop();
    for (const death of daemon.events('worker-died')) {
      expect(death).toMatchObject({ level: 'error', worker: DYING, queue: DYING_QUEUE, cause });
    }
    // The first thread's counters are known, and those of the last: the others were too short for a word.
    expect(daemon.counter('connections')).toBe(SESSIONS.length);
    expect(daemon.counter('midStream')).toBe(EACH_WORKERS);
    expect(daemon.counter('defects')).toBe(0);
  });
});
