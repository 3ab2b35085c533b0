/**
 * Several workers on the real kernel: each connection is read by one of them in both directions, whatever translates
 * its addresses, and the marks of the administrator stay as they are.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { spared } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { describeEnding } from '../lab/command.js';
import { connectionLines } from '../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { FAMILIES } from '../lab/family.js';
import { restoreRules } from '../lab/firewall.js';
import { InvalidPackets } from '../lab/invalid-packets.js';
import { workersByClient } from './connection-workers.js';
import { arrivedWhole, session } from './nat-session.js';
import { CASES, openTranslated, SHAPES, STANDS, translate, type Case, type Stand } from './nat-shapes.js';
import type { Scene } from './scene.js';

const WORKERS = 4;
const WORKER_BITS = 0x0f00_0000;
const WORKER_SHIFT = 24;
/** Of the administrator, around those of the workers. */
const OWN_BITS = 0x4080_0005;
const OWN_RULE = `-A PREROUTING -p tcp -m conntrack --ctstate NEW -j CONNMARK --set-xmark ${OWN_BITS}/${OWN_BITS}`;
/** `session` makes so many. */
const TRANSFERS = 6;

/** The mark of each control connection, by its client. */
async function marksByClient({ topology }: Scene): Promise<Map<string, number>> {
  const lines = await Promise.all(
    FAMILIES.map((family) =>
      connectionLines(topology.firewall, family, '-p', 'tcp', '--orig-port-dst', '21'),
    ),
  );
  return new Map(
    lines.flat().map((line) => {
      const [, client = '', port = ''] = / src=(\S+) dst=\S+ sport=(\d+) /.exec(line) ?? [];
      return [`${client} ${port}`, Number(/ mark=(\d+) /.exec(line)?.[1])];
    }),
  );
}

async function openWithWorkers(open: Stand['open']): Promise<[Scene, Daemon]> {
  const scene = await open(DEFAULT_ANCHOR);
  const { laboratory, topology } = scene;
  await restoreRules(topology.firewall, ['*mangle', OWN_RULE, 'COMMIT', ''].join('\n'));
  const workers = ['--workers', String(WORKERS), '--queue', '3'];
  await loadDaemonRules(topology.firewall, [21], ...workers);
  return [scene, await Daemon.start(laboratory, topology.firewall, { ports: [21], options: workers })];
}

/** Runs all of `cases` at once; returns how they ended. */
async function sessionsAtOnce(scene: Scene, cases: readonly Case[]): Promise<void> {
  await Promise.all(
    cases.map(async (row) => {
      const into = scene.laboratory.makeFolder('workers');
      const completed = await spared(
        curl,
        () => session(scene, row, into),
        (attempt) => attempt,
      );
      expect(completed.status, `${row.label}: ${describeEnding(completed)}`).toBe(0);
      expect(arrivedWhole(scene, into), row.label).toBe(true);
    }),
  );
}

describe('workers, for what a gateway translates', () => {
  let scene: Scene;
  let daemon: Daemon;
  let invalid: InvalidPackets;
  let connections = 0;
  beforeAll(async () => {
    [scene, daemon] = await openWithWorkers(openTranslated);
    invalid = await InvalidPackets.watch(scene.laboratory, scene.topology.firewall);
    return () => scene.laboratory.close();
  });

  it.each(SHAPES)('$name: each connection has one of them, in both directions', async (shape) => {
    await translate(scene, shape);
    const cases = CASES.filter((row) => row.shape === shape);
    const seen = daemon.decisions.length;
    // Twice each, so that each worker has some.
    await sessionsAtOnce(scene, [...cases, ...cases]);
    const decisions = await daemon.awaitDecisions(2 * cases.length * TRANSFERS, seen);

    // A 227 or 229 is expected only where its worker has seen the command before it.
    expect(decisions.filter(({ decision }) => decision !== 'expected')).toEqual([]);
    const workers = workersByClient(decisions);
    connections += workers.size;
    expect([...workers.values()].map(({ size }) => size)).toEqual(Array(workers.size).fill(1));
    expect(new Set(decisions.map(({ worker }) => worker))).toEqual(new Set([1, 2, 3, 4]));

    const marks = await marksByClient(scene);
    for (const [client, [worker = 0]] of workers) {
      const mark = marks.get(client) ?? 0;
      expect((mark & WORKER_BITS) >>> WORKER_SHIFT, client).toBe(worker);
      expect((mark & ~WORKER_BITS) >>> 0, client).toBe(OWN_BITS);
    }
    expect(await invalid.found()).toEqual([]);
  });

  it('report the sum of their counters at the end', async () => {
    const decisions = daemon.decisions.length;
    await daemon.stop();
    expect(daemon.counter('connections')).toBe(connections);
    expect(daemon.counter('expected')).toBe(decisions);
    expect(daemon.counter('midStream')).toBe(0);
    expect(daemon.counter('refused')).toBe(0);
    expect(daemon.counter('rewritten')).toBeGreaterThan(0);
    expect(daemon.counter('defects')).toBe(0);
    expect(daemon.counter('worker')).toBeUndefined();
  });
});

/** What a host itself sends does not pass PREROUTING, or passes it by lo. */
describe.each(STANDS.filter(({ open }) => open !== openTranslated))(
  'workers, for $name',
  ({ cases, open }) => {
    let scene: Scene;
    let daemon: Daemon;
    beforeAll(async () => {
      [scene, daemon] = await openWithWorkers(open);
      return () => scene.laboratory.close();
    });

    it.each([...new Set(cases.map(({ shape }) => shape))])(
      '$name: each connection has one of them',
      async (shape) => {
        await translate(scene, shape);
        const rows = cases.filter((row) => row.shape === shape);
        const seen = daemon.decisions.length;
        await sessionsAtOnce(scene, rows);
        const decisions = await daemon.awaitDecisions(rows.length * TRANSFERS, seen);
        expect(decisions.filter(({ decision }) => decision !== 'expected')).toEqual([]);
        const sizes = [...workersByClient(decisions).values()].map(({ size }) => size);
        expect(sizes).toEqual(Array(sizes.length).fill(1));
      },
    );

    it('ends cleanly', async () => {
      await daemon.stop();
      expect(daemon.counter('midStream')).toBe(0);
      expect(daemon.counter('defects')).toBe(0);
    });
  },
);
