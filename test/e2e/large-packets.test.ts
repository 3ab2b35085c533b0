/**
 * Packets of up to 64 KiB: those that a sender's kernel leaves in one piece for its network card to cut (GSO), which the
 * kernel cuts for the queue, and those of links that carry them.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEnding, type Command } from '../lab/command.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { FAMILIES } from '../lab/family.js';
import { filterRules, restoreRules } from '../lab/firewall.js';
import { Laboratory } from '../lab/laboratory.js';
import { buildTopology, HOST_INTERFACE, type Topology } from '../lab/topology.js';

const SCRIPT = join(import.meta.dirname, 'large-packets.mjs');
const LINE = `NOOP ${'x'.repeat(1000)}\r\n`;
const ANNOUNCEMENTS = { 4: 'PORT 10,1,0,2,156,64\r\n', 6: 'EPRT |2|2001:db8:1::2|40000|\r\n' } as const;
const ORDINARY_MTU = 1500;
/** What an attribute of the queue's messages holds (`nla_len`, less the attribute's header). */
const LARGEST_MTU = 65_531;
const largeRule = (comment: string): string =>
  `-i inside -p tcp -m length --length ${ORDINARY_MTU + 1}:65535 -m comment --comment ${comment}`;
/** Packets are counted before the queue and behind it. */
const COUNTERS = `*raw
-A PREROUTING ${largeRule('before')}
COMMIT
*mangle
-A FORWARD ${largeRule('behind')}
COMMIT
`;

describe.each([
  { links: 'ordinary links', mtu: ORDINARY_MTU },
  { links: 'links that carry them', mtu: LARGEST_MTU },
])('packets of up to 64 KiB, on $links,', ({ mtu }) => {
  const laboratory = new Laboratory();
  let topology: Topology;
  let daemon: Daemon;
  beforeAll(async () => {
    topology = await buildTopology(laboratory, 'gateway');
    const { client, server, firewall } = topology;
    await firewall.configure(['inside', 'outside'].map((name) => `link set ${name} mtu ${mtu}`));
    for (const { namespace } of [client, server]) {
      await namespace.configure([`link set ${HOST_INTERFACE} mtu ${mtu}`]);
    }
    await restoreRules(firewall, filterRules('gateway', { ports: [21], helper: DEFAULT_ANCHOR }));
    await restoreRules(firewall, COUNTERS);
    await loadDaemonRules(firewall, [21]);
    daemon = await Daemon.start(laboratory, firewall, { ports: [21] });
  });
  afterAll(() => laboratory.close());

  /** Large packets of `family` that were counted. */
  const counted = async (family: 4 | 6, comment: 'before' | 'behind'): Promise<number> => {
    const program = family === 4 ? 'iptables-save' : 'ip6tables-save';
    const saved = await topology.firewall.runChecked([program, '--counters']);
    return Number(new RegExp(`\\[(\\d+):\\d+\\] .*--comment ${comment}`).exec(saved)?.[1]);
  };

  it.each(FAMILIES)(
    'are read: the announcement behind four million bytes is expected, IPv%d',
    async (family) => {
      const { client, server } = topology;
      const seen = daemon.decisions.length;
      const words = LINE.repeat(4000) + ANNOUNCEMENTS[family];
      const address = server.address[family];
      const peer = (...parameters: string[]): Command => [process.execPath, SCRIPT, ...parameters];
      const serving = await laboratory.start(server.namespace, peer('server', address, String(words.length)));
      await serving.waitUntil('listening', () => serving.stdout.includes('listening'));
      const said = await client.namespace.run(peer('client', address), { input: words });
      expect(said.stdout, describeEnding(said)).toContain('200 all of it');
      expect(await daemon.awaitDecisions(1, seen)).toMatchObject([{ decision: 'expected', port: 40_000 }]);
      expect(await counted(family, 'before')).toBeGreaterThan(0);
      if (mtu === ORDINARY_MTU) expect(await counted(family, 'behind')).toBe(0);
      else expect(await counted(family, 'behind')).toBeGreaterThan(0);
    },
  );

  it('are handled by the daemon', async () => {
    await daemon.stop();
    expect(daemon.counter('defects')).toBe(0);
    expect(daemon.counter('cut')).toBe(0);
  });
});
