/**
 * NAT: announcements are rewritten for the other side, the data connection gets the NAT of the control connection, and
 * conntrack finds no segment invalid. The kernel's own helper runs the same cases, and the outcomes are printed side by
 * side.
 *
 * @module
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spared } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { describeEnding } from '../lab/command.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { InvalidPackets } from '../lab/invalid-packets.js';
import { attachKernelHelper, KERNEL_HELPER } from '../lab/kernel-helper.js';
import { HOST_INTERFACE } from '../lab/topology.js';
import { arrivedWhole, session } from './nat-session.js';
import { openTranslated, SHAPES, STANDS, translate } from './nat-shapes.js';
import type { Scene } from './scene.js';

/** Of a second client, on the same host. */
const OTHER_CLIENT = '10.1.0.3';

const outcomes = new Map<string, Record<'kernel' | 'ours', string>>();

function note(label: string, who: 'kernel' | 'ours', outcome: string): void {
  const known = outcomes.get(label) ?? { kernel: 'not run', ours: 'not run' };
  outcomes.set(label, { ...known, [who]: outcome });
}

afterAll(() => {
  const rows = [...outcomes].map(([label, { kernel, ours }]) => [label, kernel, ours] as const);
  for (const [label, kernel, ours] of [
    ['translation, announcement, family', 'kernel', 'ours'],
    ...rows,
  ] as const)
    console.log(`${label.padEnd(36)}${kernel.padEnd(12)}${ours}`);
});

describe.each(STANDS)('the kernel’s helper, for $name', ({ cases, open }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await open(KERNEL_HELPER);
    await attachKernelHelper(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });

  // The outcome is recorded, not asserted.
  it.each(cases)('$label', async (row) => {
    await translate(scene, row.shape);
    const into = scene.laboratory.makeFolder('nat');
    const { status } = await spared(
      curl,
      () => session(scene, row, into),
      (completed) => completed,
    );
    note(row.label, 'kernel', status === 0 && arrivedWhole(scene, into) ? 'passed' : 'failed');
    expect(outcomes.has(row.label)).toBe(true);
  });
});

/** The daemon with its ruleset on the host that does NAT, in place of the kernel's helper. */
async function openWithDaemon(open: (helper: string) => Promise<Scene>): Promise<[Scene, Daemon]> {
  const scene = await open(DEFAULT_ANCHOR);
  await loadDaemonRules(scene.topology.firewall, [21]);
  return [scene, await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] })];
}

describe.each(STANDS)('the daemon, for $name', ({ cases, open }) => {
  let scene: Scene;
  let daemon: Daemon;
  let invalid: InvalidPackets;
  beforeAll(async () => {
    [scene, daemon] = await openWithDaemon(open);
    invalid = await InvalidPackets.watch(scene.laboratory, scene.topology.firewall);
    return () => scene.laboratory.close();
  });

  it.each(cases)('$label: four listings and two downloads in one session', async (row) => {
    await translate(scene, row.shape);
    const into = scene.laboratory.makeFolder('nat');
    const { seen, completed } = await spared(
      curl,
      async () => ({ seen: daemon.decisions.length, completed: await session(scene, row, into) }),
      (attempt) => attempt.completed,
    );
    const passed = completed.status === 0 && arrivedWhole(scene, into);
    note(row.label, 'ours', passed ? 'passed' : 'failed');
    expect(passed, `${describeEnding(completed)}\n${daemon.log}`).toBe(true);
    const decisions = await daemon.awaitDecisions(6, seen);
    expect(decisions.map(({ decision, reason }) => [decision, reason])).toEqual(
      Array(6).fill(['expected', undefined]),
    );
    expect(await invalid.found()).toEqual([]);
  });

  it('ends cleanly', async () => {
    await daemon.stop();
    expect(daemon.counter('rewritten')).toBeGreaterThan(0);
    expect(daemon.counter('withdrawn')).toBe(0);
    expect(daemon.counter('defects')).toBe(0);
  });
});

describe('the daemon, for what a gateway forwards', () => {
  let scene: Scene;
  let daemon: Daemon;
  beforeAll(async () => {
    [scene, daemon] = await openWithDaemon(openTranslated);
    return () => scene.laboratory.close();
  });

  it('announces another port if two clients behind one address announce the same one', async () => {
    await translate(scene, SHAPES[0] ?? { name: 'none', rules: [] });
    const { client, server } = scene.topology;
    const seen = daemon.decisions.length;
    const script = join(import.meta.dirname, 'same-port-client.mjs');
    await client.namespace.configure([`address add ${OTHER_CLIENT}/24 dev ${HOST_INTERFACE}`]);
    const addresses = [server.address[4], client.address[4], OTHER_CLIENT];
    const said = await client.namespace.run([process.execPath, script, ...addresses]);
    expect(said.stdout, `${describeEnding(said)}\n${daemon.log}`).toBe('200\n200\nlisting\nlisting\n');
    const decisions = await daemon.awaitDecisions(2, seen);
    expect(decisions.map(({ decision, port }) => [decision, port])).toEqual([
      ['expected', 45_678],
      ['expected', 45_678],
    ]);
  });

  it('ends cleanly', async () => {
    await daemon.stop();
    expect(daemon.counter('rewritten')).toBeGreaterThan(0);
    expect(daemon.counter('defects')).toBe(0);
  });
});
