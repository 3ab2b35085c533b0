import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyIptables, type RulesHost } from '../../src/cli/apply-rules.js';
import { RULES_DEFAULTS, type RulesOptions } from '../../src/rules/options.js';
import { connectionLines, flushConnections } from '../lab/conntrack.js';
import { FAMILIES } from '../lab/family.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { buildTopology, PLACEMENTS, type Topology } from '../lab/topology.js';
import { packetsSeen, restoreBoth, rulesHost, serveDialogue, talk, VARIANTS } from './rules-host.js';

const PORT = 2121;
const OTHER_PORT = 2122;
const OPTIONS: RulesOptions = { ...RULES_DEFAULTS, ports: [21, PORT] };
const LINES = 4;
/** The SYN-ACK, one segment per line each way, and a FIN each way. */
const TO_DAEMON = 1 + 2 * LINES + 2;
/** Besides those: SYN, ACK, and the acknowledgments that are separate segments. */
const LEAST_IN_ALL = TO_DAEMON + 2 + LINES + 1;

const QUEUED = /-j NFQUEUE/;
/** The test's own rule: counts the connection's packets after the project's rules. */
const COUNTED = /--comment all$/;

let laboratory: Laboratory;
beforeAll(() => {
  laboratory = new Laboratory();
});
afterAll(async () => {
  await laboratory.close();
});

/** The administrator's rules: a counter of all packets, and others. */
const administrator = (...mangle: string[]): string =>
  [
    '*mangle',
    ':PREROUTING ACCEPT [0:0]',
    '-F PREROUTING',
    '-F FORWARD',
    '-A FORWARD -p tcp -m comment --comment all',
    ...mangle,
    'COMMIT',
    '',
  ].join('\n');

describe.each(VARIANTS)('with iptables-%s', (variant) => {
  let topology: Topology;
  const host = (): RulesHost => rulesHost(topology.firewall, variant);
  /**
   * Runs a dialogue in each family at the same time; the families count separately. Returns whether each completed.
   */
  const converse = async (port: number): Promise<readonly boolean[]> =>
    Promise.all(
      FAMILIES.map((family) => talk(topology.client.namespace, topology.server.address[family], port, LINES)),
    );
  const seen = async (pattern: RegExp): Promise<readonly number[]> =>
    Promise.all(FAMILIES.map((family) => packetsSeen(topology.firewall, variant, family, pattern)));
  const connections = async (): Promise<readonly string[]> => {
    const filter = ['-p', 'tcp', '--orig-port-dst', String(PORT)];
    return (
      await Promise.all(FAMILIES.map((family) => connectionLines(topology.firewall, family, ...filter)))
    ).flat();
  };

  it.each(PLACEMENTS)(
    'on the %s: exactly payload, FIN and SYN-ACK of FTP ports are queued, and the connections have the helper',
    async (placement) => {
      topology = await buildTopology(laboratory, placement);
      await serveDialogue(laboratory, topology.server.namespace, PORT);
      await serveDialogue(laboratory, topology.server.namespace, OTHER_PORT);
      applyIptables(OPTIONS, host());

      const answered = await Promise.all([converse(PORT), converse(OTHER_PORT)]);
      expect(answered).toEqual([
        [true, true],
        [true, true],
      ]);
      expect(await seen(QUEUED)).toEqual([TO_DAEMON, TO_DAEMON]);
      expect(await connections()).toEqual([
        expect.stringContaining('helper=sane'),
        expect.stringContaining('helper=sane'),
      ]);
    },
  );

  describe('on the gateway', () => {
    let gateway: Namespace;
    beforeAll(async () => {
      topology = await buildTopology(laboratory, 'gateway');
      gateway = topology.firewall;
      await serveDialogue(laboratory, topology.server.namespace, PORT);
      await serveDialogue(laboratory, gateway, PORT);
    });
    beforeEach(async () => {
      applyIptables(undefined, host());
      expect(await restoreBoth(gateway, variant, administrator())).toEqual([0, 0]);
      await flushConnections(gateway);
    });

    it('acknowledgments without payload are not queued', async () => {
      applyIptables(OPTIONS, host());
      expect(await converse(PORT)).toEqual([true, true]);
      for (const packets of await seen(COUNTED)) expect(packets).toBeGreaterThanOrEqual(LEAST_IN_ALL);
      expect(await seen(QUEUED)).toEqual([TO_DAEMON, TO_DAEMON]);
    });

    it.each([
      { name: 'not queued when the mark is there', bits: '0x20000000', expected: 0 },
      { name: 'not queued when it is there beside bits of others', bits: '0x20000005', expected: 0 },
      { name: 'queued when there are bits of others', bits: '0x5', expected: TO_DAEMON },
    ])('a connection is $name, and its mark stays as it is', async ({ bits, expected }) => {
      const mark = `-A PREROUTING -p tcp -m conntrack --ctstate NEW -j CONNMARK --set-xmark ${bits}/${bits}`;
      await restoreBoth(gateway, variant, administrator(mark));
      applyIptables(OPTIONS, host());
      expect(await converse(PORT)).toEqual([true, true]);
      expect(await seen(QUEUED)).toEqual([expected, expected]);
      const marked = expect.stringContaining(`mark=${Number(bits)} `) as string;
      expect(await connections()).toEqual([marked, marked]);
    });

    it("the host's traffic with itself is queued once", async () => {
      applyIptables(OPTIONS, host());
      const own = ['10.1.0.1', '2001:db8:1::1', '127.0.0.1', '::1'];
      const answered = await Promise.all(own.map((address) => talk(gateway, address, PORT, LINES)));
      expect(answered).toEqual([true, true, true, true]);
      expect(await seen(QUEUED)).toEqual([2 * TO_DAEMON, 2 * TO_DAEMON]);
    });

    it('both directions are queued if DNAT changes the port', async () => {
      const { address } = topology.server;
      const nat = [
        '*nat',
        `-4 -A PREROUTING -p tcp --dport 990 -j DNAT --to-destination ${address[4]}:${PORT}`,
        `-6 -A PREROUTING -p tcp --dport 990 -j DNAT --to-destination [${address[6]}]:${PORT}`,
        'COMMIT',
        '',
      ];
      await restoreBoth(gateway, variant, nat.join('\n'));
      applyIptables({ ...OPTIONS, ports: [990] }, host());
      const client = topology.client.namespace;
      const answered = [talk(client, '10.1.0.1', 990, LINES), talk(client, '2001:db8:1::1', 990, LINES)];
      expect(await Promise.all(answered)).toEqual([true, true]);
      expect(await seen(QUEUED)).toEqual([TO_DAEMON, TO_DAEMON]);
    });

    it('fail-closed without a daemon prevents all connections', async () => {
      applyIptables({ ...OPTIONS, failClosed: true }, host());
      expect(await converse(PORT)).toEqual([false, false]);
      for (const packets of await seen(QUEUED)) expect(packets).toBeGreaterThan(0);
    });
  });
});
