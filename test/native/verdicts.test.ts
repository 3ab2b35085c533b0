import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NF_DROP, VERDICT_FLAGS } from '../../src/kernel/binding.js';
import { Stage } from './stage.js';

const QUEUE_RULE = '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0';
const HEADERS = 28; // IPv4 and UDP
const NF_INET_LOCAL_OUT = 3;
const LOOPBACK = 1;

interface Passed {
  readonly texts: readonly string[];
  readonly errors: readonly { code: string; operation: string }[];
}

describe('packets of a queue', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j MARK --set-mark 7',
      QUEUE_RULE,
      '-A OUTPUT -m mark --mark 0xfedc0001 -m comment --comment marked -j ACCEPT',
    ]);
    await stage.namespace.runChecked(['ip6tables', ...QUEUE_RULE.split(' ')]);
  });
  afterAll(async () => {
    await stage.remove();
  });

  it('are described by the index', async () => {
    const rows = await stage.play<Record<string, number>[]>('verdicts', 'the index describes each packet');
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
    // Slots an odd number of cache lines apart do not crowd into a few sets of the cache.
    const stride = (rows[1]?.['offset'] ?? 0) - (rows[0]?.['offset'] ?? 0);
    expect(stride % 64).toBe(0);
    expect((stride / 64) % 2).toBe(1);
  });

  it('are described in IPv6 too', async () => {
    const { rows, texts } = await stage.play<Passed & { rows: unknown[] }>(
      'verdicts',
      'IPv6 packets are described too',
    );
    expect(rows).toMatchObject([{ protocol: 0x86dd, length: 40 + 8 + 3 }]);
    expect(texts).toEqual(['six']);
  });

  it('are seen cut to the copy range and delivered whole', async () => {
    const { rows, texts } = await stage.play<Passed & { rows: unknown[] }>(
      'verdicts',
      'the copy range cuts packets, not what is delivered',
    );
    const text = 'a datagram that is longer';
    expect(rows).toMatchObject([{ length: 30, originalLength: HEADERS + text.length }]);
    expect(texts).toEqual([text]);
  });

  it('are accepted and dropped one by one', async () => {
    const { texts } = await stage.play<Passed>('verdicts', 'accept and drop');
    expect(texts).toEqual(['keep0', 'keep1', 'keep2']);
  });

  it('get the mark of their verdict', async () => {
    const before = await stage.packetsCounted('marked');
    // As the signed column holds it.
    const { texts } = await stage.play<Passed>('verdicts', 'a mark is set', { argument: 0xfedc0001 | 0 });
    expect(texts).toEqual(['plain', 'marked']);
    expect((await stage.packetsCounted('marked')) - before).toBe(1);
  });

  it('are replaced by longer, equal, shorter and much longer ones, in order', async () => {
    const argument = { four: 'fourteen', five: 'vife', seven: 'e', eight: 'x'.repeat(3000) };
    const { texts, errors } = await stage.play<Passed>('verdicts', 'a packet is replaced', { argument });
    expect(texts).toEqual([...Object.values(argument), 'untouched']);
    expect(errors).toEqual([]);
  });

  it('get their verdicts in several system calls where one is too small for them', async () => {
    const argument = 60_000;
    const texts = await stage.play<unknown[]>('verdicts', 'more than one sendmsg takes', { argument });
    expect(texts).toEqual([0, 1, 2, 3, 4, 5].map((at) => ({ begin: `text${at}`, length: argument })));
  });

  it('fit their slots up to the longest, of which a netlink attribute holds all but four bytes', async () => {
    await expect(stage.play('verdicts', 'the longest datagram')).resolves.toMatchObject({
      rows: [{ length: 65_531, originalLength: 65_535 }],
      delivered: 65_507,
      malformed: 0,
    });
  });

  it('get the verdicts of their own ids, whatever JavaScript writes over the index', async () => {
    const { texts } = await stage.play<Passed>(
      'verdicts',
      'JavaScript scribbles over the index and the slab',
    );
    expect(texts).toEqual(['text0', 'text1', 'text2', 'text3', 'text4']);
  });

  it('get their verdicts even when JavaScript transfers the tables away', async () => {
    await expect(stage.play('verdicts', 'the tables are transferred away')).resolves.toHaveLength(5);
  });

  it('get exactly one verdict each in a flood, in order', async () => {
    await expect(
      stage.play('verdicts', 'every packet of a flood gets one verdict', { argument: 5000 }),
    ).resolves.toEqual({ inOrder: true, ids: 5000, idsInOrder: true, counters: [0, 0, 0] });
    await expect(stage.packetsWaiting(0)).resolves.toBeUndefined();
  });

  it('come in batches of the size asked for, a bounded number of them in one turn of the event loop', async () => {
    const full = (turn: number) => ({ packets: 16, turn });
    await expect(stage.play('verdicts', 'batches and turns are bounded')).resolves.toEqual([
      ...[full(0), full(0), full(0), full(0)],
      ...[full(1), full(1), { packets: 4, turn: 1 }],
    ]);
  });

  it('are counted as rejected when they are gone before their verdict', async () => {
    await expect(stage.play('verdicts', 'packets that are gone before their verdict')).resolves.toBe(1);
  });

  it('have a verdict even where their row of the table is wrong, and the error is told', async () => {
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
      stage.play('verdicts', 'wrong rows of the verdict table', { argument: cases.map(({ row }) => row) }),
    ).resolves.toEqual(cases.map(({ texts, errors }) => ({ texts, errors })));
  });
});
