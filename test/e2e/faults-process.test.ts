/**
 * A process with little memory, with a clock that jumps at each reading, or with fewer tracked connections than sessions.
 *
 * @module
 */
import { beforeAll, expect, it } from 'vitest';
import { conntrackFtp, Daemon, loadDaemonRules } from '../lab/daemon.js';
import { EACH_MODE, impatientVsftpd, KeepingClients } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

/** Megabytes; with 8 the program does not get to its beginning. */
const SMALL_HEAP = '--max-old-space-size=24';
/** The wall clock jumps, by up to three hundred years, at each reading. */
const STEPPING_CLOCK = '--import=data:text/javascript,Date.now=()=>Math.trunc(Math.random()*1e13)';

const MANY_SESSIONS = [...EACH_MODE, ...EACH_MODE, ...EACH_MODE];

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
  await loadDaemonRules(scene.topology.firewall, [21]);
  return () => scene.laboratory.close();
});

/** All sessions fetch their files, and no announcement is refused. */
async function expectService(
  command: readonly [string, ...string[]],
  options: readonly string[] = [],
): Promise<Daemon> {
  const { laboratory, topology } = scene;
  const daemon = await Daemon.startAs(laboratory, topology.firewall, command, { ports: [21], options });
  const clients = await KeepingClients.start(scene, MANY_SESSIONS);
  await clients.stop();
  clients.expectAllBut([]);
  await daemon.stop();
  expect(daemon.counter('defects')).toBe(0);
  expect(daemon.decisions.filter(({ decision }) => decision !== 'expected')).toEqual([]);
  return daemon;
}

it('serves with a small heap', async () => {
  await expectService(['env', `NODE_OPTIONS=${SMALL_HEAP}`, ...conntrackFtp()]);
});

it('does not depend on a clock that jumps', async () => {
  const before = Date.now() / 1000;
  const { log } = await expectService(['env', `NODE_OPTIONS=${STEPPING_CLOCK}`, ...conntrackFtp()]);
  const times = [...log.matchAll(/"time":([\d.]+)/g)].map(([, time]) => Number(time));
  expect(times).toEqual([...times].sort((one, other) => one - other));
  expect(Math.min(...times)).toBeGreaterThan(before - 60);
  expect(Math.max(...times)).toBeLessThan(Date.now() / 1000 + 60);
});

it('tracks fewer sessions than there are: evicted ones continue, and their next announcement is read', async () => {
  const { laboratory, topology } = scene;
  const settings = { ports: [21], options: ['--max-connections', '16'] };
  const daemon = await Daemon.start(laboratory, topology.firewall, settings);
  // Each fetches its file in the end, though one may be forgotten between its command and the reply.
  const clients = await KeepingClients.start(scene, MANY_SESSIONS);
  await clients.stop();
  await daemon.stop();
  expect(daemon.counter('defects')).toBe(0);
  expect(daemon.counter('connectionsDisplaced')).toBeGreaterThan(0);
});
