import { describe, expect, it } from 'vitest';
import {
  INDEX,
  INDEX_STRIDE,
  NF_ACCEPT,
  NF_DROP,
  VERDICT,
  VERDICT_FLAGS,
  VERDICT_STRIDE,
  type NativeQueue,
  type NativeQueueOptions,
} from '../../src/kernel/binding.js';
import { PacketQueue } from '../../src/kernel/packet-queue.js';

const OPTIONS = {
  queue: 5,
  copyRange: 0,
  maxLength: 1024,
  failOpen: true,
  receiveBufferBytes: 4096,
  batchSize: 4,
};
const POOL_BYTES = 100;

describe('the rows of a batch', () => {
  it('are read from their columns', () => {
    const { native, queue } = open();
    const row = { packetId: -1, offset: 50, length: 20, originalLength: 21, hook: 2, inInterface: 3, outInterface: 4, mark: -2, flags: 5, protocol: 0x86dd }; // prettier-ignore
    for (const [column, at] of Object.entries(INDEX)) {
      native.index[INDEX_STRIDE + at] = row[column as keyof typeof row];
    }
    expect([queue.start(1), queue.end(1), queue.cut(1)]).toEqual([50, 70, true]);
    expect([queue.packetId(1), queue.mark(1)]).toEqual([0xffffffff, 0xfffffffe]);
    expect([queue.hook(1), queue.inInterface(1), queue.outInterface(1)]).toEqual([2, 3, 4]);
    expect([queue.flags(1), queue.protocol(1), queue.cut(0)]).toEqual([5, 0x86dd, false]);
    new Uint8Array(native.slab)[50] = 0x45;
    expect(queue.bytes[50]).toBe(0x45);
  });

  it('take a verdict, mark and replacement; the last one counts', () => {
    const { native, queue } = open();
    queue.drop(0);
    queue.drop(1);
    queue.accept(1);
    queue.setMark(1, 0x80000001);
    expect(queue.replace(1, Buffer.from('..first..'), 2, 7)).toBe(true);
    expect(queue.replace(1, Buffer.from('second'), 0, 6)).toBe(true);
    expect(queue.replace(2, Buffer.from('third'), 0, 5)).toBe(true);
    expect(verdictOf(native, 0)).toEqual({ verdict: NF_DROP, flags: 0, mark: 0, payload: '' });
    const flags = VERDICT_FLAGS.hasMark | VERDICT_FLAGS.hasPayload;
    expect(verdictOf(native, 1)).toEqual({
      verdict: NF_ACCEPT,
      flags,
      mark: 0x80000001 | 0,
      payload: 'second',
    });
    expect(verdictOf(native, 2)).toMatchObject({ flags: VERDICT_FLAGS.hasPayload, payload: 'third' });
  });

  it('share one replacement pool, which is reset for each batch', () => {
    const { native, queue } = open();
    const packet = Buffer.alloc(60, 'x');
    expect(queue.replace(0, packet, 0, 60)).toBe(true);
    expect(queue.replace(1, packet, 0, 41)).toBe(false);
    expect(verdictOf(native, 1)).toMatchObject({ flags: 0, payload: '' });
    expect(queue.replace(1, packet, 0, 40)).toBe(true);
    native.deliver(2);
    expect(queue.replace(0, packet, 0, 60)).toBe(true);
  });
});

function verdictOf(native: NativeQueue, row: number): Record<string, unknown> {
  const at = row * VERDICT_STRIDE;
  const column = (name: keyof typeof VERDICT): number => native.verdicts[at + VERDICT[name]] ?? -1;
  const offset = column('payloadOffset');
  const payload = Buffer.from(native.replacements, offset, column('payloadLength')).toString();
  return { verdict: column('verdict'), flags: column('flags'), mark: column('mark'), payload };
}

/** Tables without a kernel behind them. */
class FakeQueue implements NativeQueue {
  readonly slab = new ArrayBuffer(1000);
  readonly index = new Int32Array(OPTIONS.batchSize * INDEX_STRIDE);
  readonly verdicts = new Int32Array(OPTIONS.batchSize * VERDICT_STRIDE);
  readonly replacements = new ArrayBuffer(POOL_BYTES);
  readonly refusals: readonly string[] = [];
  readonly malformed = 0;
  readonly overruns = 0;
  readonly rejected = 0;
  readonly deliver: (count: number) => void;

  constructor(_options: NativeQueueOptions, onBatch: (count: number) => void) {
    this.deliver = onBatch;
  }

  close(): void {
    throw new Error('not closed in these tests');
  }
}

function open(): { native: FakeQueue; queue: PacketQueue } {
  const made: FakeQueue[] = [];
  class KeptQueue extends FakeQueue {
    constructor(options: NativeQueueOptions, onBatch: (count: number) => void) {
      super(options, onBatch);
      made.push(this);
    }
  }
  const listener = { onBatch: () => undefined, onError: () => undefined };
  const queue = new PacketQueue({ QueueSocket: KeptQueue }, OPTIONS, listener);
  const [native] = made;
  if (native === undefined) throw new Error('no queue was made');
  return { native, queue };
}
