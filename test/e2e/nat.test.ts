/**
 * Address translation on the gateway: what is announced is rewritten for the other side, the data connection follows
 * the control connection, and conntrack finds no segment invalid. The kernel's own helper does the same beside it, and
 * the outcomes are printed side by side.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionWith } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { describeEnding, type Completed } from '../lab/command.js';
import { flushConnections } from '../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { FAMILIES, urlHost, type AddressPair } from '../lab/family.js';
import { restoreRules } from '../lab/firewall.js';
import { SMALL_FILES } from '../lab/ftp-root.js';
import { attachKernelHelper, KERNEL_HELPER } from '../lab/kernel-helper.js';
import type { Namespace } from '../lab/namespace.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { HOST_INTERFACE } from '../lab/topology.js';
import { openScene, type Scene } from './scene.js';

interface Shape {
  readonly name: string;
  /** Rules of the nat table, for both families. */
  readonly rules: readonly string[];
  /** Where the client connects to, if not to the server's own address. */
  readonly target?: AddressPair;
  /** Where the client connects from, if not from its first address. */
  readonly from?: AddressPair;
}

/** Addresses of the gateway for those on either side of it, beside its own. */
const OUTSIDE = ['10.2.0.200/24', '10.2.0.9/24', '2001:db8:2::200/64', '2001:db8:2::9/64'] as const;
const INSIDE = ['10.1.0.100/24', '2001:db8:1::100/64'] as const;
/** The client's, longer in text than what it is translated to. */
const LONG_CLIENT: AddressPair = { 4: '10.1.0.240', 6: '2001:db8:1:0:1234:5678:9abc:def0' };
/** Of a second client, on the same host. */
const OTHER_CLIENT = '10.1.0.3';
const PUBLISHED: AddressPair = { 4: '10.1.0.100', 6: '2001:db8:1::100' };

const snat = (four: string, six: string): string[] => [
  `-4 -A POSTROUTING -o outside -p tcp -j SNAT --to-source ${four}`,
  `-6 -A POSTROUTING -o outside -p tcp -j SNAT --to-source ${six}`,
];
const DNAT = [
  '-4 -A PREROUTING -i inside -d 10.1.0.100 -p tcp --dport 21 -j DNAT --to-destination 10.2.0.2',
  '-6 -A PREROUTING -i inside -d 2001:db8:1::100 -p tcp --dport 21 -j DNAT --to-destination 2001:db8:2::2',
] as const;
const MASQUERADE = ['-A POSTROUTING -o outside -p tcp -j MASQUERADE'] as const;

const SHAPES: readonly Shape[] = [
  { name: 'SNAT, longer', rules: snat('10.2.0.200', '2001:db8:2::200') },
  { name: 'SNAT, equal', rules: snat('10.2.0.9', '2001:db8:2::9') },
  { name: 'SNAT, shorter', rules: snat('10.2.0.9', '2001:db8:2::9'), from: LONG_CLIENT },
  { name: 'MASQUERADE', rules: MASQUERADE },
  { name: 'DNAT', rules: DNAT, target: PUBLISHED },
  { name: 'SNAT and DNAT', rules: [...snat('10.2.0.200', '2001:db8:2::200'), ...DNAT], target: PUBLISHED },
];

const CASES = SHAPES.flatMap((shape) =>
  FAMILIES.flatMap((family) =>
    curl.modes[family].map((mode) => ({
      shape,
      mode,
      family,
      label: `${shape.name}, ${mode}, IPv${family}`,
    })),
  ),
);
type Case = (typeof CASES)[number];

/** What comes to the client and to the server is lost once in twenty times, behind the gateway that is. */
const LOSS = ['-A PREROUTING -m statistic --mode random --probability 0.05 -j DROP'] as const;
const LOSSY_SESSIONS = 3;
const LOSSY = CASES.filter(({ shape, mode }) => shape.name === 'SNAT and DNAT' && mode !== 'EPSV');

async function setLoss(hosts: readonly Namespace[], rules: readonly string[]): Promise<void> {
  for (const host of hosts) {
    await restoreRules(host, ['*raw', '-F PREROUTING', ...rules, 'COMMIT', ''].join('\n'));
  }
}

const outcomes = new Map<string, Record<'kernel' | 'ours', string>>();

/** Opens the scene with both sides' further addresses on the gateway. */
async function openTranslated(helper: string): Promise<Scene> {
  const scene = await openScene({ placement: 'gateway', program: vsftpd, helper });
  await scene.topology.firewall.configure([
    ...OUTSIDE.map((address) => `address add ${address} dev outside${nodad(address)}`),
    ...INSIDE.map((address) => `address add ${address} dev inside${nodad(address)}`),
  ]);
  await scene.topology.client.namespace.configure([
    `address add ${LONG_CLIENT[4]}/24 dev ${HOST_INTERFACE}`,
    `address add ${LONG_CLIENT[6]}/64 dev ${HOST_INTERFACE} nodad`,
  ]);
  return scene;
}

/** An IPv6 address is of use at once without duplicate address detection. */
const nodad = (address: string): string => (address.includes(':') ? ' nodad' : '');

/** Translates from now on as `shape` says. What is open ends first: the end of a forgotten connection would be invalid. */
async function translate(scene: Scene, shape: Shape): Promise<void> {
  const { firewall, client, server } = scene.topology;
  await restoreRules(firewall, ['*nat', '-F', ...shape.rules, 'COMMIT', ''].join('\n'));
  await Promise.all([client.namespace.untilQuiet(), server.namespace.untilQuiet()]);
  await flushConnections(firewall);
}

/** Four listings and two downloads in one session. */
async function session(scene: Scene, { shape, mode, family }: Case, into: string): Promise<Completed> {
  const { server, topology } = scene;
  const address = shape.target?.[family] ?? server.host.address[family];
  const url = (path: string): string => `ftp://${urlHost(address)}:${server.settings.port}/${path}`;
  const names = [...SMALL_FILES, '', '', '', ''];
  const { command } = curl.invoke({ ...sessionWith(server, family, mode), address }, { kind: 'list' });
  // The invocation ends with the one address that it lists.
  const [program, ...parameters] = command.slice(0, -1);
  const transfers = names.flatMap((name, at) => ['--output', join(into, name || `listing-${at}`), url(name)]);
  const from = shape.from === undefined ? [] : ['--interface', shape.from[family]];
  const all = [program ?? '', ...parameters, ...from, ...transfers] as const;
  return topology.client.namespace.run(all, { deadlineMs: 40_000 });
}

function arrivedWhole(scene: Scene, into: string): boolean {
  return SMALL_FILES.every((name) =>
    readFileSync(join(into, name)).equals(readFileSync(join(scene.server.root, name))),
  );
}

/** Packets that conntrack of the gateway found invalid. */
async function invalidPackets(scene: Scene): Promise<number> {
  const statistics = await scene.topology.firewall.runChecked(['conntrack', '-S']);
  return [...statistics.matchAll(/ invalid=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function note(label: string, who: 'kernel' | 'ours', outcome: string): void {
  const known = outcomes.get(label) ?? { kernel: 'not run', ours: 'not run' };
  outcomes.set(label, { ...known, [who]: outcome });
}

afterAll(() => {
  console.log(`\n${'translation, announcement, family'.padEnd(36)}kernel      ours`);
  for (const [label, { kernel, ours }] of outcomes)
    console.log(`${label.padEnd(36)}${kernel.padEnd(12)}${ours}`);
});

describe('the kernel’s helper', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openTranslated(KERNEL_HELPER);
    await attachKernelHelper(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });

  // What it does is noted, not asked for.
  it.each(CASES)('$label', async (row) => {
    await translate(scene, row.shape);
    const into = scene.laboratory.makeFolder('nat');
    const { status } = await session(scene, row, into);
    note(row.label, 'kernel', status === 0 && arrivedWhole(scene, into) ? 'passed' : 'failed');
    expect(outcomes.has(row.label)).toBe(true);
  });
});

describe('the daemon', () => {
  let scene: Scene;
  let daemon: Daemon;
  beforeAll(async () => {
    scene = await openTranslated(DEFAULT_ANCHOR);
    await loadDaemonRules(scene.topology.firewall, [21]);
    daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
    return () => scene.laboratory.close();
  });

  it.each(CASES)('$label: four listings and two downloads in one session', async (row) => {
    await translate(scene, row.shape);
    const into = scene.laboratory.makeFolder('nat');
    const seen = daemon.decisions.length;
    const completed = await session(scene, row, into);
    const passed = completed.status === 0 && arrivedWhole(scene, into);
    note(row.label, 'ours', passed ? 'passed' : 'failed');
    expect(passed, `${describeEnding(completed)}\n${daemon.log}`).toBe(true);
    const decisions = await daemon.awaitDecisions(6, seen);
    expect(decisions.map(({ decision, reason }) => [decision, reason])).toEqual(
      Array(6).fill(['expected', undefined]),
    );
    expect(await invalidPackets(scene)).toBe(0);
  });

  describe('over paths that lose every twentieth packet', () => {
    beforeAll(async () => {
      const { client, server } = scene.topology;
      await setLoss([client.namespace, server.namespace], LOSS);
      return () => setLoss([client.namespace, server.namespace], []);
    });

    it.each(LOSSY)('$label', { timeout: 120_000 }, async (row) => {
      await translate(scene, row.shape);
      for (let repetition = 0; repetition < LOSSY_SESSIONS; repetition++) {
        const into = scene.laboratory.makeFolder('lossy');
        const completed = await session(scene, row, into);
        expect(completed.status, `${describeEnding(completed)}\n${daemon.log}`).toBe(0);
        expect(arrivedWhole(scene, into)).toBe(true);
      }
      expect(await invalidPackets(scene)).toBe(0);
    });
  });

  it('announces another port where two clients behind one address announce the same one', async () => {
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
