import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyNft, type RulesHost } from '../../src/cli/apply-rules.js';
import { runTool } from '../../src/cli/netfilter-tool.js';
import { MissingError } from '../../src/errors.js';
import { nftRemoval, nftRules } from '../../src/rules/nft.js';
import { RULES_DEFAULTS, type RulesOptions } from '../../src/rules/options.js';
import { connectionLines } from '../lab/conntrack.js';
import { FAMILIES } from '../lab/family.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { buildTopology, type Topology } from '../lab/topology.js';
import { serveDialogue, talk } from './rules-host.js';

const PORT = 2121;
const OPTIONS: RulesOptions = { ...RULES_DEFAULTS, ports: [21, PORT] };
const LINES = 4;
/** The SYN-ACK, one segment per line each way, and a FIN each way, for each of two families. */
const TO_DAEMON = 2 * (1 + 2 * LINES + 2);

const ADMINISTRATOR = `table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related counter packets 7 bytes 700 accept
	}
}
`;

/** For kernels without the queue statement: the rules with a counter instead. */
const counted = (text: string): string => text.replaceAll(/queue flags bypass to \d+/g, 'counter');

let laboratory: Laboratory;
let topology: Topology;
let gateway: Namespace;
beforeAll(async () => {
  laboratory = new Laboratory();
  topology = await buildTopology(laboratory, 'gateway');
  gateway = topology.firewall;
  await load(ADMINISTRATOR);
});
afterAll(async () => {
  await laboratory.close();
});

const load = async (text: string): Promise<string> => gateway.runChecked(['nft', '-f', '-'], { input: text });
const list = async (): Promise<string> => gateway.runChecked(['nft', 'list', 'ruleset']);

describe('the text for nft, with counters instead of queues', () => {
  it('can be applied again, and the removal restores the previous state, also when repeated', async () => {
    const before = await list();
    await load(counted(nftRules(OPTIONS)));
    const once = await list();
    expect(once).toContain(before);
    await load(counted(nftRules(OPTIONS)));
    expect(await list()).toBe(once);
    await load(nftRemoval());
    expect(await list()).toBe(before);
    await load(nftRemoval());
    expect(await list()).toBe(before);
  });

  it('matches exactly payload, FIN and SYN-ACK of both families, and attaches the helper', async () => {
    await load(counted(nftRules(OPTIONS)));
    await serveDialogue(laboratory, topology.server.namespace, PORT);
    await serveDialogue(laboratory, topology.server.namespace, PORT + 1);
    const talks = [PORT, PORT + 1].flatMap((port) =>
      FAMILIES.map((family) => talk(topology.client.namespace, topology.server.address[family], port, LINES)),
    );
    expect(await Promise.all(talks)).toEqual([true, true, true, true]);
    expect(await countedPackets()).toBe(TO_DAEMON);
    for (const family of FAMILIES) {
      const [connection] = await connectionLines(
        gateway,
        family,
        '-p',
        'tcp',
        '--orig-port-dst',
        String(PORT),
      );
      expect(connection).toContain('helper=sane');
    }
  });

  it("matches the host's traffic with itself once", async () => {
    await load(counted(nftRules(OPTIONS)));
    await serveDialogue(laboratory, gateway, PORT);
    const talks = ['127.0.0.1', '::1'].map((address) => talk(gateway, address, PORT, LINES));
    expect(await Promise.all(talks)).toEqual([true, true]);
    expect(await countedPackets()).toBe(TO_DAEMON);
  });

  it('ignores a connection that has the mark', async () => {
    await load(counted(nftRules(OPTIONS)));
    await load(`add table inet marking
      add chain inet marking entry { type filter hook prerouting priority -170; }
      add rule inet marking entry ct state new ct mark set 0x20000001`);
    const talks = FAMILIES.map((family) =>
      talk(topology.client.namespace, topology.server.address[family], PORT, LINES),
    );
    expect(await Promise.all(talks)).toEqual([true, true]);
    expect(await countedPackets()).toBe(0);
    await load('delete table inet marking');
  });
});

describe('the text for nft with several workers, with counters instead of queues', () => {
  const WORKERS = 3;
  const OWN_BITS = 0xa000_0005;
  const options: RulesOptions = { ...OPTIONS, workers: WORKERS, workerMark: 0x1800_0000 };

  /** Packets counted for each worker. */
  const countedOf = async (workers: number): Promise<number[]> => {
    const chains = Array.from({ length: workers }, (_, at) => `worker_${at + 1}`);
    const listings = chains.map((chain) =>
      gateway.runChecked(['nft', 'list', 'chain', 'inet', 'conntrack_ftp', chain]),
    );
    return (await Promise.all(listings)).map((text) => Number(/counter packets (\d+)/.exec(text)?.[1]));
  };

  it('distributes connections evenly, keeps each with its worker, and preserves other mark bits', async () => {
    const text = counted(nftRules({ ...options, mark: 0x4000_0000 }));
    await load(text);
    const once = await list();
    await load(text);
    expect(await list()).toBe(once);
    await load(`add table inet marking
      add chain inet marking entry { type filter hook prerouting priority -170; }
      add rule inet marking entry ct state new ct mark set ${OWN_BITS}`);
    await gateway.runChecked(['conntrack', '-F']);
    const talks = Array.from({ length: WORKERS }, () =>
      FAMILIES.map((family) => talk(topology.client.namespace, topology.server.address[family], PORT, LINES)),
    );
    expect(await Promise.all(talks.flat())).toEqual(Array(2 * WORKERS).fill(true));
    expect(await countedOf(WORKERS)).toEqual(Array(WORKERS).fill(TO_DAEMON));
    const filter = ['-p', 'tcp', '--orig-port-dst', String(PORT)];
    const lines = await Promise.all(FAMILIES.map((family) => connectionLines(gateway, family, ...filter)));
    const marks = lines.flat().map((line) => Number(/ mark=(\d+) /.exec(line)?.[1]));
    expect(marks.map((mark) => (mark & 0x1800_0000) >>> 27).sort()).toEqual([1, 1, 2, 2, 3, 3]);
    expect(marks.map((mark) => (mark & ~0x1800_0000) >>> 0)).toEqual(Array(6).fill(OWN_BITS));
    await load('delete table inet marking');
  });

  it('redistributes connections that have a number of an earlier ruleset', async () => {
    await load(counted(nftRules({ ...options, workers: 2 })));
    await load(`add table inet marking
      add chain inet marking entry { type filter hook prerouting priority -170; }
      add rule inet marking entry ct state new ct mark set 0x18000000`);
    const talks = [1, 2].map(() => talk(topology.client.namespace, topology.server.address[4], PORT, LINES));
    expect(await Promise.all(talks)).toEqual([true, true]);
    expect(await countedOf(2)).toEqual([TO_DAEMON / 2, TO_DAEMON / 2]);
    await load('delete table inet marking');
  });
});

describe('applying the text for nft', () => {
  const host = (): RulesHost => ({
    run: (tool, parameters, input) => {
      const [program, ...rest] = gateway.enter([tool, ...parameters]);
      return runTool(program, rest, input);
    },
    hasIpv6: () => true,
  });

  it('creates the rules, or names the queue statement and changes nothing if the kernel lacks it', async () => {
    await load(nftRemoval());
    const before = await list();
    const apply = (): unknown => applyNft(OPTIONS, host());
    const trial = 'table inet trial { chain trial { queue to 0; }; }';
    const { status } = await gateway.run(['nft', '--check', '-f', '-'], { input: trial });
    if (status === 0) {
      expect(apply()).toEqual([{ where: 'nftables', change: 'made' }]);
      expect(await list()).toMatch(/queue flags bypass to 0/);
      expect(applyNft(undefined, host())).toEqual([{ where: 'nftables', change: 'removed' }]);
    } else {
      expect(apply).toThrow(MissingError);
      expect(apply).toThrow('this kernel lacks the queue statement (nft)');
    }
    expect(await list()).toBe(before);
  });

  it('names a helper that the kernel lacks', () => {
    const attempt = (): unknown => applyNft({ ...OPTIONS, helper: 'nosuchhelper' }, host());
    expect(attempt).toThrow(/a conntrack helper named nosuchhelper for TCP/);
  });
});

async function countedPackets(): Promise<number> {
  const listing = await gateway.runChecked(['nft', 'list', 'chain', 'inet', 'conntrack_ftp', 'control']);
  return [...listing.matchAll(/counter packets (\d+)/g)].reduce(
    (total, [, packets]) => total + Number(packets),
    0,
  );
}
