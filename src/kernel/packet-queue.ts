/**
 * A bound NFQUEUE. Packets arrive in batches; a row number identifies a packet within its batch. Getters read a
 * packet by row, and verdicts are set by row. No allocation happens per packet.
 *
 * Within `onBatch` any row may be read and given a verdict any number of times; the last verdict counts, and the
 * default is accept. When `onBatch` returns or throws, exactly one verdict is sent for each row, and the next batch
 * overwrites `bytes`: copy what must be kept.
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

/** The callbacks of a queue, called from the event loop only, never from inside a method of `PacketQueue`. */
export interface PacketQueueListener {
  /** Rows 0 to `count` - 1 are the packets of this batch, in order of arrival. */
  readonly onBatch: (queue: PacketQueue, count: number) => void;
  /** The queue failed permanently; no further batch follows. */
  readonly onError: (error: ConntrackFtpError) => void;
}

/** Bound from construction until `close`. */
export class PacketQueue {
  readonly #native: NativeQueue;
  readonly #index: Int32Array;
  readonly #verdicts: Int32Array;
  readonly #replacements: Buffer;
  /** Bytes of `#replacements` that the current batch uses. */
  #replaced = 0;
  /** The packets of the batch; row `row` is in `[start(row), end(row))`, network header first. */
  readonly bytes: Buffer;

  /**
   * Binds the queue. Throws `NotPermittedError`, or `MissingError` if another process holds the queue or the kernel
   * has no NFQUEUE, each with a remedy; `SystemCallError` for anything else.
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

  /** Optional settings that the kernel refused, each as the operation and the errno's name. */
  get refusals(): readonly string[] {
    return this.#native.refusals;
  }

  /** Number of queue messages that could not be parsed, since the start. */
  get malformed(): number {
    return this.#native.malformed;
  }

  /**
   * Number of packets that found the receive buffer full, since the start: accepted unread with `failOpen`,
   * otherwise dropped.
   */
  get overruns(): number {
    return this.#native.overruns;
  }

  /** Number of verdicts that came too late, since the start: the packet no longer existed. */
  get rejected(): number {
    return this.#native.rejected;
  }

  start(row: number): number {
    return this.#column(row, INDEX.offset);
  }

  end(row: number): number {
    return this.#column(row, INDEX.offset) + this.#column(row, INDEX.length);
  }

  /** True if the kernel copied only part of the packet. */
  cut(row: number): boolean {
    return this.#column(row, INDEX.originalLength) > this.#column(row, INDEX.length);
  }

  /** The kernel's id of the packet, unsigned. */
  packetId(row: number): number {
    return this.#column(row, INDEX.packetId) >>> 0;
  }

  /** NF_INET_*: prerouting 0, input 1, forward 2, output 3, postrouting 4. */
  hook(row: number): number {
    return this.#column(row, INDEX.hook);
  }

  /** Index of the interface that received the packet, 0 if there is none. */
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

  /** Sets the packet's mark (not the connection's) when it leaves the queue. */
  setMark(row: number, mark: number): void {
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.mark] = mark | 0;
    this.#setFlag(row, VERDICT_FLAGS.hasMark);
  }

  /**
   * Replaces the queued packet with `[start, end)` of `packet`: a complete packet with correct headers, lengths and
   * checksums (linux/netfilter/nfnetlink_queue.h NFQA_PAYLOAD). The bytes are copied. Returns false, and changes
   * nothing, if the batch has no room left for them.
   */
  replace(row: number, packet: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length > this.#replacements.length - this.#replaced) return false;
    this.#replacements.set(packet.subarray(start, end), this.#replaced);
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.payloadOffset] = this.#replaced;
    this.#verdicts[row * VERDICT_STRIDE + VERDICT.payloadLength] = length;
    this.#setFlag(row, VERDICT_FLAGS.hasPayload);
    this.#replaced += length;
    return true;
  }

  /** Idempotent; no batch follows. The kernel drops the packets that are still in its queue. */
  close(): void {
    this.#native.close();
  }

  #column(row: number, column: number): number {
    return this.#index[row * INDEX_STRIDE + column] ?? 0;
  }

  #setFlag(row: number, flag: number): void {
    const at = row * VERDICT_STRIDE + VERDICT.flags;
    this.#verdicts[at] = (this.#verdicts[at] ?? 0) | flag;
  }
}
