/**
 * What happens to packets: each scenario returns what arrived and what the index contained.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { NF_DROP, VERDICT_FLAGS, type NativeError } from '../../../src/kernel/binding.js';
import { waitFor } from '../../lab/condition.js';
import { describeError } from './describe-error.js';
import {
  indexRow,
  openQueue,
  packetOf,
  replaceText,
  setVerdict,
  textOf,
  type IndexRow,
  type OnBatch,
  type VerdictRow,
} from './open-queue.js';
import { perform } from './perform.js';
import { QUEUED_PORT, Receiver, numbered, send, sendAtOnce } from './traffic.js';

/** Sends `texts` through a queue with `onBatch`, waits for `expected` of them, closes everything. */
async function passThrough(
  texts: readonly string[],
  expected: number,
  onBatch: OnBatch,
  options: Parameters<typeof openQueue>[1] = {},
): Promise<{ texts: readonly string[]; errors: NativeError[] }> {
  const receiver = await Receiver.open();
  const errors: NativeError[] = [];
  const queue = openQueue(onBatch, options, (error) => errors.push(error));
  sendAtOnce(texts);
  const received = await receiver.received(expected);
  queue.close();
  receiver.close();
  return { texts: received, errors };
}

const eachPacket =
  (visit: (queue: Parameters<OnBatch>[0], at: number, text: string) => void): OnBatch =>
  (queue, count) => {
    for (let at = 0; at < count; at += 1) visit(queue, at, textOf(packetOf(queue, at)));
  };

await perform({
  'the index describes each packet': async () => {
    const rows: IndexRow[] = [];
    await passThrough(
      ['one', 'three'],
      2,
      eachPacket((queue, at) => rows.push(indexRow(queue, at))),
    );
    return rows;
  },

  'IPv6 packets are described too': async () => {
    const receiver = await Receiver.open(6);
    const rows: IndexRow[] = [];
    const queue = openQueue(eachPacket((current, at) => rows.push(indexRow(current, at))));
    sendAtOnce(['six'], '::1');
    const texts = await receiver.received(1);
    queue.close();
    receiver.close();
    return { rows, texts };
  },

  'the copy range cuts packets, not what is delivered': async () => {
    const rows: IndexRow[] = [];
    const copyRange = 30;
    const { texts } = await passThrough(
      ['a datagram that is longer'],
      1,
      eachPacket((queue, at) => rows.push(indexRow(queue, at))),
      { copyRange },
    );
    return { rows, texts };
  },

  'accept and drop': async () =>
    passThrough(
      numbered('keep', 3).flatMap((text, at) => [text, `drop${at}`]),
      3,
      eachPacket((queue, at, text) => {
        if (text.startsWith('drop')) setVerdict(queue, at, { verdict: NF_DROP });
      }),
    ),

  'a mark is set': async (mark) =>
    passThrough(
      ['plain', 'marked'],
      2,
      eachPacket((queue, at, text) => {
        if (text === 'marked') setVerdict(queue, at, { flags: VERDICT_FLAGS.hasMark, mark: Number(mark) });
      }),
    ),

  'a packet is replaced': async (replacements) => {
    const byText = replacements as Record<string, string>;
    return passThrough(
      [...Object.keys(byText), 'untouched'],
      Object.keys(byText).length + 1,
      eachPacket((queue, at, text) => {
        const replacement = byText[text];
        if (replacement !== undefined) replaceText(queue, at, replacement, at * 4096);
      }),
    );
  },

  'more than one sendmsg takes': async (length) => {
    const { texts } = await passThrough(numbered('text', 6), 6, (queue, count) => {
      let pool = 0;
      for (let at = 0; at < count; at += 1) {
        const text = textOf(packetOf(queue, at));
        pool = replaceText(queue, at, text.padEnd(Number(length), '.'), pool);
      }
    });
    return texts.map((text) => ({ begin: text.slice(0, 5), length: text.length }));
  },

  'wrong rows of the verdict table': async (rows) => {
    const outcomes: unknown[] = [];
    for (const row of rows as VerdictRow[]) {
      const { texts, errors } = await passThrough(
        ['first', 'wrong', 'last'],
        2,
        eachPacket((queue, at, text) => {
          if (text === 'wrong') setVerdict(queue, at, row);
        }),
      );
      outcomes.push({ texts, errors: errors.map(({ code, operation }) => `${operation}: ${code}`) });
    }
    return outcomes;
  },

  'JavaScript scribbles over the index and the slab': async () =>
    passThrough(numbered('text', 5), 5, (queue) => {
      queue.index.fill(-1);
      new Uint8Array(queue.slab).fill(0xee);
    }),

  'the tables are transferred away': async () => {
    const receiver = await Receiver.open();
    const queue = openQueue(() => undefined);
    const tables = [
      queue.slab,
      queue.replacements,
      queue.index.buffer,
      queue.verdicts.buffer,
    ] as ArrayBuffer[];
    // Some versions of Node refuse, some copy, some transfer: the addon must survive all of them.
    for (const table of tables) describeError(() => structuredClone(table, { transfer: [table] }));
    globalThis.gc?.();
    sendAtOnce(numbered('text', 5));
    const texts = await receiver.received(5);
    queue.close();
    receiver.close();
    return texts;
  },

  'the longest datagram': async () => {
    const receiver = await Receiver.open();
    const rows: IndexRow[] = [];
    const queue = openQueue(eachPacket((current, at) => rows.push(indexRow(current, at))));
    const sender = createSocket('udp4');
    sender.send('x'.repeat(65_507), QUEUED_PORT, '127.0.0.1');
    const [text] = await receiver.received(1);
    queue.close();
    receiver.close();
    sender.close();
    return { rows, delivered: text?.length, malformed: queue.malformed };
  },

  'every packet of a flood gets one verdict': async (count) => {
    const receiver = await Receiver.open();
    const ids: number[] = [];
    const queue = openQueue((current, packets) => {
      for (let at = 0; at < packets; at += 1) ids.push(indexRow(current, at).packetId);
    });
    await send(numbered('', Number(count)));
    const texts = await receiver.received(Number(count));
    queue.close();
    receiver.close();
    return {
      inOrder: texts.every((text, at) => text === String(at)),
      ids: ids.length,
      idsInOrder: ids.every((id, at) => id === at + 1),
      counters: [queue.malformed, queue.overruns, queue.rejected],
    };
  },

  'batches and turns are bounded': async () => {
    const receiver = await Receiver.open();
    const batches: { packets: number; turn: number }[] = [];
    let turn = 0;
    const queue = openQueue((_, packets) => batches.push({ packets, turn }), { batchSize: 16 });
    sendAtOnce(numbered('', 100));
    const countTurns = (): void => {
      turn += 1;
      if (receiver.texts.length < 100) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    await receiver.received(100);
    queue.close();
    receiver.close();
    return batches.map((batch) => ({ ...batch, turn: batch.turn - (batches[0]?.turn ?? 0) }));
  },

  'packets that are gone before their verdict': async () => {
    const queue = openQueue(() => {
      // The kernel drops packets that are queued for an interface that goes down, and then no longer knows their
      // ids.
      spawnSync('ip', ['link', 'set', 'lo', 'down']);
    });
    sendAtOnce(['one', 'two']);
    await waitFor('the kernel to refuse the verdicts', () => queue.rejected > 0);
    queue.close();
    spawnSync('ip', ['link', 'set', 'lo', 'up']);
    return queue.rejected;
  },
});
