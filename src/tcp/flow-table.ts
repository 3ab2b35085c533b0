/**
 * The control connections that are followed, as slot numbers. Both tuples of a flow are in one index, so that a
 * packet of either direction finds it whatever NAT does; what else a flow has is kept by others in columns under
 * the same number. Everything is in typed arrays: an idle flow costs some 110 bytes and no object.
 *
 * A tuple belongs to at most one flow. The newest word of conntrack wins: `add` throws out every flow that has
 * one of the new tuples, be it one or two. When there is no room the flow used longest ago makes room; that is kept to
 * the second, for flows are used far more often than one has to go.
 *
 * Not known here: conntrack zones. Two connections with equal tuples in different zones would replace each other.
 *
 * @module
 */
import type { Tuple } from '../wire/tuple.js';
import { RecencyList } from './recency-list.js';
import { TupleIndex } from './tuple-index.js';
import { TupleKey } from './tuple-key.js';

/** As many as conntrack itself tracks by default on a machine with more than 4 GiB (nf_conntrack_max). */
export const DEFAULT_FLOW_CAPACITY = 262_144;
/** Keeps the number of index words below 2^31. */
export const MAX_FLOW_CAPACITY = 2 ** 24;

/** Why a flow left without `remove`: room was needed, it was idle, or its tuple belongs to a newer one. */
export type EvictionCause = 'full' | 'idle' | 'replaced';

export interface FlowTableOptions {
  /** Flows, 1 to `MAX_FLOW_CAPACITY`; `DEFAULT_FLOW_CAPACITY` unless given. */
  readonly capacity?: number;
  /**
   * Key of the hash, a safe integer of at least 0. Random where packets come from a network: who knows it can
   * choose tuples that all collide.
   */
  readonly seed: number;
  /**
   * Told before a flow leaves other than by `remove`; the flow can still be found and read. May call anything but
   * `add` and `expire`, which throw.
   */
  readonly onEvict: (flow: number, cause: EvictionCause) => void;
}

const NO_FLOW = -1;

export class FlowTable {
  /** Flows at most. */
  readonly capacity: number;
  /** How many flows have left for each cause. */
  readonly evicted: Record<EvictionCause, number> = { full: 0, idle: 0, replaced: 0 };
  readonly #onEvict: FlowTableOptions['onEvict'];
  readonly #index: TupleIndex;
  readonly #recency: RecencyList;
  /** Whole seconds, by the caller's clock; 0 where no flow is. */
  readonly #lastSeen: Uint32Array;
  /** Slots given back, a stack; slots from `#fresh` on have never been used. */
  readonly #free: Int32Array;
  #freeCount = 0;
  #fresh = 0;
  readonly #key = new TupleKey();
  /** The flow that `onEvict` is being told of. */
  #leaving = NO_FLOW;

  /** Throws `RangeError` where `capacity` or `seed` is out of its range. */
  constructor(options: FlowTableOptions) {
    const { capacity = DEFAULT_FLOW_CAPACITY, seed, onEvict } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_FLOW_CAPACITY) {
      throw new RangeError(`a flow table holds 1 to ${MAX_FLOW_CAPACITY} flows, not ${capacity}`);
    }
    if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`not a seed: ${seed}`);
    this.capacity = capacity;
    this.#onEvict = onEvict;
    this.#index = new TupleIndex(capacity * 2, seed);
    this.#recency = new RecencyList(capacity);
    this.#lastSeen = new Uint32Array(capacity);
    this.#free = new Int32Array(capacity);
  }

  /** Flows in the table. */
  get size(): number {
    return this.#fresh - this.#freeCount;
  }

  /** Flows that made room for others. */
  get evictions(): number {
    return this.evicted.full;
  }

  /** The half whose tuple a packet carries, or -1. The packet is known to have its addresses at these offsets. */
  find(
    family: 4 | 6,
    bytes: Buffer,
    sourceAt: number,
    destinationAt: number,
    sourcePort: number,
    destinationPort: number,
  ): number {
    this.#key.readPacket(family, bytes, sourceAt, destinationAt, sourcePort, destinationPort);
    return this.#index.find(this.#key);
  }

  /** The half with this tuple, or -1. Throws `RangeError` for addresses of two families. */
  findTuple(tuple: Tuple): number {
    this.#key.readTuple(tuple);
    return this.#index.find(this.#key);
  }

  /**
   * Takes a connection in, as the one used last. A connection whose two tuples are equal (a socket connected to
   * itself) is found as its ORIGINAL half only. Throws `RangeError` for addresses of two families, and `Error` from
   * within `onEvict`.
   *
   * @param now seconds, by the clock that `touch` and `expire` use
   */
  add(original: Tuple, reply: Tuple, now: number): number {
    this.#refuseWithinEvict();
    const withOriginal = this.findTuple(original);
    const withReply = this.findTuple(reply);
    this.#replace(withOriginal);
    this.#replace(withReply);
    if (this.size === this.capacity) this.#evict(this.#recency.oldest, 'full');
    const flow = this.#takeSlot();
    this.#key.readTuple(original);
    this.#index.insert(flow * 2, this.#key);
    this.#key.readTuple(reply);
    this.#index.insert(flow * 2 + 1, this.#key);
    this.#recency.add(flow);
    this.#lastSeen[flow] = Math.floor(now);
    return flow;
  }

  /** Whether the slot is in use. */
  has(flow: number): boolean {
    return this.#index.has(flow * 2);
  }

  /** Notes that a flow of the table was used now. Throws `RangeError` for one that is not there. */
  touch(flow: number, now: number): void {
    const second = Math.floor(now);
    if (this.#lastSeen[flow] === second) return;
    this.#requireFlow(flow);
    this.#lastSeen[flow] = second;
    this.#recency.renew(flow);
  }

  /** Takes a flow out without telling `onEvict`; nothing happens where it is not there. */
  remove(flow: number): void {
    if (!this.has(flow) || flow === this.#leaving) return;
    this.#release(flow);
  }

  /**
   * Takes out the flows that were last used before the second `before`, oldest first, and stops at the first that was used
   * later: the work is what is taken out, and a clock that was set back only delays it.
   */
  expire(before: number): void {
    this.#refuseWithinEvict();
    for (;;) {
      const flow = this.#recency.oldest;
      if (flow < 0 || this.lastSeen(flow) >= before) return;
      this.#evict(flow, 'idle');
    }
  }

  /** The second in which a flow was last used. */
  lastSeen(flow: number): number {
    return this.#lastSeen[flow] ?? 0;
  }

  /** The flow's tuple as its client sends it. Throws `RangeError` where the flow is not there. */
  original(flow: number): Tuple {
    this.#requireFlow(flow);
    return this.#index.tuple(flow * 2);
  }

  /** The flow's tuple as packets to its client carry it. Throws `RangeError` where the flow is not there. */
  reply(flow: number): Tuple {
    this.#requireFlow(flow);
    return this.#index.tuple(flow * 2 + 1);
  }

  /** The flows, from the one used longest ago on. The table must not change meanwhile. */
  *flows(): IterableIterator<number> {
    for (let flow = this.#recency.oldest; flow >= 0; flow = this.#recency.newerThan(flow)) yield flow;
  }

  /** See `TupleIndex.longestRun`; for tests and diagnosis. */
  longestRun(): number {
    return this.#index.longestRun();
  }

  #replace(half: number): void {
    // The flow may be gone already: both tuples can be of one flow.
    if (half >= 0 && this.has(half >> 1)) this.#evict(half >> 1, 'replaced');
  }

  #evict(flow: number, cause: EvictionCause): void {
    this.evicted[cause]++;
    this.#leaving = flow;
    try {
      this.#onEvict(flow, cause);
    } finally {
      this.#leaving = NO_FLOW;
      this.#release(flow);
    }
  }

  #takeSlot(): number {
    if (this.#freeCount === 0) return this.#fresh++;
    this.#freeCount--;
    return this.#free[this.#freeCount] ?? 0;
  }

  #release(flow: number): void {
    this.#index.remove(flow * 2);
    this.#index.remove(flow * 2 + 1);
    this.#recency.remove(flow);
    this.#lastSeen[flow] = 0;
    this.#free[this.#freeCount] = flow;
    this.#freeCount++;
  }

  #requireFlow(flow: number): void {
    if (!this.has(flow)) throw new RangeError(`no flow ${flow} in the table`);
  }

  #refuseWithinEvict(): void {
    if (this.#leaving !== NO_FLOW) throw new Error('onEvict must neither add nor expire flows');
  }
}
