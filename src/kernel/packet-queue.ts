/**
 * A bound NFQUEUE: packets come in batches, and each is a row number within its batch. What a packet is, is asked
 * by row; what becomes of it, is said by row. Nothing is allocated for a packet.
 *
 * Within `onBatch` each row may be asked and told anything, any number of times, the last word counts; a row of
 * which nothing is said is accepted. When `onBatch` returns or throws, the verdicts leave, exactly one for each
 * row, and `bytes` is overwritten by the next batch: keep a copy of what you keep.
 *
 * @module
 */
import type { ConntrackFtpError } from '../errors.js';
import {
  INDEX,
  INDEX_STRIDE,
  NF_ACCEPT,
  NF_DROP,
  VERDICT,
  VERDICT_FLAGS,
  VERDICT_STRIDE,
  type NativeBinding,
  type NativeError,
  type NativeQueue,
  type NativeQueueOptions,
} from './binding.js';
import { isNativeError, systemCallError } from './native-error.js';
import { explainQueueError } from './queue-error.js';

/** Who is told of packets; both are called from the event loop, never from within a call of ours. */
export interface PacketQueueListener {
  /** Rows 0 to `count` - 1 are this batch's packets, in the order of their arrival. */
  readonly onBatch: (queue: PacketQueue, count: number) => void;
  /** The queue failed for good; no batch comes after it. */
  readonly onError: (error: ConntrackFtpError) => void;
}

/** Bound from its construction until `close`. */
export class PacketQueue {
  readonly #native: NativeQueue;
  readonly #index: Int32Array;
  readonly #verdicts: Int32Array;
  readonly #replacements: Buffer;
  /** Bytes of `#replacements` that this batch has taken. */
  #replaced = 0;
  /** The packets of the batch, from `start(row)` to `end(row)`, network header first. */
  readonly bytes: Buffer;

  /**
   * Binds the queue. Throws `NotPermittedError`, or `MissingError` where another process holds the queue or the
   * kernel has no NFQUEUE, each with the remedy; `SystemCallError` for what has no better name.
   */
  constructor(
    binding: Pick<NativeBinding, 'QueueSocket'>,
    options: NativeQueueOptions,
    listener: PacketQueueListener,
  ) {
    const onBatch = (count: number): void => {
      this.#replaced = 0;
      listener.onBatch(this, count);
    };
    const onError = (error: NativeError): void => {
      listener.onError(systemCallError(error));
    };
    try {
      this.#native = new binding.QueueSocket(options, onBatch, onError);
    } catch (thrown) {
      throw isNativeError(thrown) ? explainQueueError(options.queue, thrown) : thrown;
    }
    this.#index = this.#native.index;
    this.#verdicts = this.#native.verdicts;
    this.#replacements = Buffer.from(this.#native.replacements);
    this.bytes = Buffer.from(this.#native.slab);
  }

  /** Optional settings that the kernel refused, told as operation and errno name. */
  get refusals(): readonly string[] {
    return this.#native.refusals;
  }

  /** Queue messages that could not be read, since the start. */
  get malformed(): number {
    return this.#native.malformed;
  }

  /** Packets that found the receive buffer full, since the start: accepted unread with `failOpen`, else dropped. */
  get overruns(): number {
    return this.#native.overruns;
  }

  /** Verdicts that came too late, since the start: the packet was gone by then. */
  get rejected(): number {
    return this.#native.rejected;
  }

  start(row: number): number {
    return this.#column(row, INDEX.offset);
  }

  end(row: number): number {
    return this.#column(row, INDEX.offset) + this.#column(row, INDEX.length);
  }

  /** True where the kernel copied only a part of the packet. */
  cut(row: number): boolean {
    return this.#column(row, INDEX.originalLength) > this.#column(row, INDEX.length);
  }

  /** The number that the kernel gave the packet, unsigned. */
  packetId(row: number): number {
    return this.#column(row, INDEX.packetId) >>> 0;
  }

  /** NF_INET_*: prerouting 0, input 1, forward 2, output 3, postrouting 4. */
  hook(row: number): number {
    return this.#column(row, INDEX.hook);
  }

  /** Index of the interface it came in by, 0 for none. */
  inInterface(row: number): number {
    return this.#column(row, INDEX.inInterface);
  }

  outInterface(row: number): number {
    return this.#column(row, INDEX.outInterface);
  }

  /** The packet's own mark, unsigned (not the connection's). */
  mark(row: number): number {
    return this.#column(row, INDEX.mark) >>> 0;
  }

  /** Bits of `PACKET_FLAGS`. */
  flags(row: number): number {
    return this.#column(row, INDEX.flags);
  }

  /** Ethertype: 0x0800 or 0x86dd. */
  protocol(row: number): number {
    return this.#column(row, INDEX.protocol);
  }

  accept(row: number): void {
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.verdict] = NF_ACCEPT;
  }

  drop(row: number): void {
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.verdict] = NF_DROP;
  }

  /** Gives the packet this mark when it leaves the queue. */
  setMark(row: number, mark: number): void {
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.mark] = mark | 0;
    this.#raise(row, VERDICT_FLAGS.hasMark);
  }

  /**
   * Lets `[start, end)` of `packet` leave in place of the queued packet: a whole one, headers, lengths and checksums
   * right (linux/netfilter/nfnetlink_queue.h NFQA_PAYLOAD). It is copied. Answers false, and changes nothing, where
   * the batch has no room left for it.
   */
  replace(row: number, packet: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length > this.#replacements.length - this.#replaced) return false;
    this.#replacements.set(packet.subarray(start, end), this.#replaced);
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.payloadOffset] = this.#replaced;
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.payloadLength] = length;
    this.#raise(row, VERDICT_FLAGS.hasPayload);
    this.#replaced += length;
    return true;
  }

  /** Idempotent; no batch comes after it. Packets still in the kernel's queue are dropped by the kernel. */
  close(): void {
    this.#native.close();
  }

  #column(row: number, column: number): number {
    return this.#index[row * INDEX_STRIDE + column] ?? 0;
  }

  #raise(row: number, flag: number): void {
    const at = row * VERDICT_STRIDE + VERDICT.flags;
    this.#verdicts[at] = (this.#verdicts[at] ?? 0) | flag;
  }
}
