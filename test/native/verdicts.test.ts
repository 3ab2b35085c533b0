import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NF_DROP, VERDICT_FLAGS } from '../../src/kernel/binding.js';
import { AddonLab } from './addon-lab.js';

const QUEUE_RULE = '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0';
const HEADERS = 28; // IPv4 and UDP
const NF_INET_LOCAL_OUT = 3;
const LOOPBACK = 1;

interface Passed {
  readonly texts: readonly string[];
  readonly errors: readonly { code: string; operation: string }[];
}

describe('packets of a queue', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    lab = await AddonLab.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j MARK --set-mark 7',
      QUEUE_RULE,
      '-A OUTPUT -m mark --mark 0xfedc0001 -m comment --comment marked -j ACCEPT',
    ]);
    await lab.namespace.runChecked(['ip6tables', ...QUEUE_RULE.split(' ')]);
  });
  afterAll(async () => {
    await lab.remove();
  });

  it('are described by the index', async () => {
    const rows = await lab.run<Record<string, number>[]>('verdicts', 'the index describes each packet');
    const common = {
      hook: NF_INET_LOCAL_OUT,
      inInterface: 0,
      outInterface: LOOPBACK,
      mark: 7,
      flags: 0,
      protocol: 0x0800,
    };
    expect(rows).toMatchObject([
      { ...common, packetId: 1, length: HEADERS + 3, originalLength: HEADERS + 3 },
      { ...common, packetId: 2, length: HEADERS + 5, originalLength: HEADERS + 5 },
    ]);
    // Slots an odd number of cache lines apart do not share a few cache sets.
    const stride = (rows[1]?.['offset'] ?? 0) - (rows[0]?.['offset'] ?? 0);
    expect(stride % 64).toBe(0);
    expect((stride / 64) % 2).toBe(1);
  });

  it('are described in IPv6 too', async () => {
    const { rows, texts } = await lab.run<Passed & { rows: unknown[] }>(
      'verdicts',
      'IPv6 packets are described too',
    );
    expect(rows).toMatchObject([{ protocol: 0x86dd, length: 40 + 8 + 3 }]);
    expect(texts).toEqual(['six']);
  });

  it('are seen cut to the copy range and delivered complete', async () => {
    const { rows, texts } = await lab.run<Passed & { rows: unknown[] }>(
      'verdicts',
      'the copy range cuts packets, not what is delivered',
    );
    const text = 'a datagram that is longer';
    expect(rows).toMatchObject([{ length: 30, originalLength: HEADERS + text.length }]);
    expect(texts).toEqual([text]);
  });

  it('are accepted and dropped one by one', async () => {
    const { texts } = await lab.run<Passed>('verdicts', 'accept and drop');
    expect(texts).toEqual(['keep0', 'keep1', 'keep2']);
  });

  it('get the mark of their verdict', async () => {
    const before = await lab.packetsCounted('marked');
    // As in the signed column.
    const { texts } = await lab.run<Passed>('verdicts', 'a mark is set', { argument: 0xfedc0001 | 0 });
    expect(texts).toEqual(['plain', 'marked']);
    expect((await lab.packetsCounted('marked')) - before).toBe(1);
  });

  it('are replaced by longer, equal, shorter and much longer packets, in order', async () => {
    const argument = { four: 'fourteen', five: 'vife', seven: 'e', eight: 'x'.repeat(3000) };
    const { texts, errors } = await lab.run<Passed>('verdicts', 'a packet is replaced', { argument });
    expect(texts).toEqual([...Object.values(argument), 'untouched']);
    expect(errors).toEqual([]);
  });

  it('get their verdicts in several system calls if they do not fit one', async () => {
    const argument = 60_000;
    const texts = await lab.run<unknown[]>('verdicts', 'more than one sendmsg takes', { argument });
    expect(texts).toEqual([0, 1, 2, 3, 4, 5].map((at) => ({ begin: `text${at}`, length: argument })));
  });

  it('fit their slots, even the longest, of which a netlink attribute holds all but four bytes', async () => {
    await expect(lab.run('verdicts', 'the longest datagram')).resolves.toMatchObject({
      rows: [{ length: 65_531, originalLength: 65_535 }],
      delivered: 65_507,
      malformed: 0,
    });
  });

  it('get their verdicts by their own ids, even if JavaScript overwrites the index', async () => {
    const { texts } = await lab.run<Passed>('verdicts', 'JavaScript scribbles over the index and the slab');
    expect(texts).toEqual(['text0', 'text1', 'text2', 'text3', 'text4']);
  });

  it('get their verdicts even when JavaScript transfers the tables away', async () => {
    await expect(lab.run('verdicts', 'the tables are transferred away')).resolves.toHaveLength(5);
  });

  it('get exactly one verdict each, in order, during a flood', async () => {
    await expect(
      lab.run('verdicts', 'every packet of a flood gets one verdict', { argument: 5000 }),
    ).resolves.toEqual({ inOrder: true, ids: 5000, idsInOrder: true, counters: [0, 0, 0] });
    await expect(lab.packetsWaiting(0)).resolves.toBeUndefined();
  });

  it('arrive in batches of the requested size, a bounded number per turn of the event loop', async () => {
    const full = (turn: number) => ({ packets: 16, turn });
    await expect(lab.run('verdicts', 'batches and turns are bounded')).resolves.toEqual([
      ...[full(0), full(0), full(0), full(0)],
      ...[full(1), full(1), { packets: 4, turn: 1 }],
    ]);
  });

  it('are counted as rejected if they disappear before their verdict', async () => {
    await expect(lab.run('verdicts', 'packets that are gone before their verdict')).resolves.toBe(1);
  });

  it('get a verdict even if their table row is wrong, and the error is reported', async () => {
    const accepted = ['first', 'wrong', 'last'];
    const dropped = ['first', 'last'];
    const flags = VERDICT_FLAGS.hasPayload;
    const cases = [
      { row: { verdict: 2 }, texts: accepted, errors: ['verdict 2: EINVAL'] },
      { row: { verdict: -1 }, texts: accepted, errors: ['verdict -1: EINVAL'] },
      { row: { flags }, texts: dropped, errors: ['replacement of 0 bytes at 0: EMSGSIZE'] },
      {
        row: { flags, payloadOffset: -4, payloadLength: 40 },
        texts: dropped,
        errors: ['replacement of 40 bytes at -4: EMSGSIZE'],
      },
      {
        row: { flags, payloadOffset: 0x7fffffff, payloadLength: 0x7fffffff },
        texts: dropped,
        errors: ['replacement of 2147483647 bytes at 2147483647: EMSGSIZE'],
      },
      {
        row: { flags, payloadLength: 65_532 },
        texts: dropped,
        errors: ['replacement of 65532 bytes at 0: EMSGSIZE'],
      },
      { row: { verdict: NF_DROP }, texts: dropped, errors: [] },
    ];
    await expect(
      lab.run('verdicts', 'wrong rows of the verdict table', { argument: cases.map(({ row }) => row) }),
    ).resolves.toEqual(cases.map(({ texts, errors }) => ({ texts, errors })));
  });
});
