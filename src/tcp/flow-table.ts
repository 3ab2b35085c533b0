/**
 * The tracked control connections, as slot numbers. One index holds both tuples of a flow, so a packet of
 * either direction finds the flow under any NAT. Other modules keep their per-flow state in columns under
 * the same number. Everything is in typed arrays: an idle flow costs about 110 bytes and no object.
 *
 * A tuple belongs to at most one flow. The latest report from conntrack wins: `add` evicts every flow, one
 * or two, that has one of the new tuples. If the table is full, it evicts the least recently used flow.
 * Last use is kept to the second, because flows are used far more often than one is evicted.
 *
 * Limitation: conntrack zones are ignored. Two connections with equal tuples in different zones would
 * replace each other.
 *
 * @module
 */
import type { Tuple } from '../wire/tuple.js';
import { RecencyList } from './recency-list.js';
import { TupleIndex } from './tuple-index.js';
import { TupleKey } from './tuple-key.js';

/**
 * The number of connections that conntrack tracks by default on a machine with more than 4 GiB
 * (nf_conntrack_max).
 */
export const DEFAULT_FLOW_CAPACITY = 262_144;
/** Keeps the number of index words below 2^31. */
export const MAX_FLOW_CAPACITY = 2 ** 24;

/** Why a flow was evicted: the table was full, the flow was idle, or a newer flow has its tuple. */
export type EvictionCause = 'full' | 'idle' | 'replaced';

export interface FlowTableOptions {
  /** Maximum number of flows, 1 to `MAX_FLOW_CAPACITY`; default `DEFAULT_FLOW_CAPACITY`. */
  readonly capacity?: number;
  /**
   * Hash key, a non-negative safe integer. Must be random if packets come from a network: anyone who knows
   * the key can choose tuples that all collide.
   */
  readonly seed: number;
  /**
   * Called before a flow is evicted (not for `remove`). The flow can still be found and read. The callback
   * may call any method except `add` and `expire`, which throw.
   */
  readonly onEvict: (flow: number, cause: EvictionCause) => void;
}

const NO_FLOW = -1;

export class FlowTable {
  /** Maximum number of flows. */
  readonly capacity: number;
  /** Evicted flows by cause. */
  readonly evicted: Record<EvictionCause, number> = { full: 0, idle: 0, replaced: 0 };
  readonly #onEvict: FlowTableOptions['onEvict'];
  readonly #index: TupleIndex;
  readonly #recency: RecencyList;
  /** Last use in whole seconds of the caller's clock; 0 for a free slot. */
  readonly #lastSeen: Uint32Array;
  /** Stack of freed slots. Slots from `#fresh` on have never been used. */
  readonly #free: Int32Array;
  #freeCount = 0;
  #fresh = 0;
  readonly #key = new TupleKey();
  /** The flow that `onEvict` is being called for. */
  #leaving = NO_FLOW;

  /** Throws `RangeError` if `capacity` or `seed` is out of range. */
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

  /** Number of flows in the table. */
  get size(): number {
    return this.#fresh - this.#freeCount;
  }

  /** Number of flows evicted because the table was full. */
  get evictions(): number {
    return this.evicted.full;
  }

  /**
   * Returns the half whose tuple the packet carries, or -1. The packet must have its addresses at these
   * offsets.
   */
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

  /**
   * Returns the half with this tuple, or -1. Throws `RangeError` if the addresses are of different
   * families.
   */
  findTuple(tuple: Tuple): number {
    this.#key.readTuple(tuple);
    return this.#index.find(this.#key);
  }

  /**
   * Adds a connection as the most recently used. A connection with two equal tuples (a socket connected to
   * itself) is found only as its ORIGINAL half. Throws `RangeError` if the addresses are of different
   * families, and `Error` if called within `onEvict`.
   *
   * @param now seconds of the clock that `touch` and `expire` use
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

  /** Returns whether the slot is in use. */
  has(flow: number): boolean {
    return this.#index.has(flow * 2);
  }

  /** Records that a flow was used now. Throws `RangeError` if the flow is not in the table. */
  touch(flow: number, now: number): void {
    const second = Math.floor(now);
    if (this.#lastSeen[flow] === second) return;
    this.#requireFlow(flow);
    this.#lastSeen[flow] = second;
    this.#recency.renew(flow);
  }

  /** Removes a flow without calling `onEvict`. Does nothing if the flow is not in the table. */
  remove(flow: number): void {
    if (!this.has(flow) || flow === this.#leaving) return;
    this.#release(flow);
  }

  /**
   * Evicts the flows last used before the second `before`, oldest first, and stops at the first flow used
   * later. The work is proportional to the evicted flows, and a clock that was set back only delays
   * eviction.
   */
  expire(before: number): void {
    this.#refuseWithinEvict();
    for (;;) {
      const flow = this.#recency.oldest;
      if (flow < 0 || this.lastSeen(flow) >= before) return;
      this.#evict(flow, 'idle');
    }
  }

  /** Returns the second in which a flow was last used. */
  lastSeen(flow: number): number {
    return this.#lastSeen[flow] ?? 0;
  }

  /**
   * Returns the tuple of packets from the flow's client. Throws `RangeError` if the flow is not in the
   * table.
   */
  original(flow: number): Tuple {
    this.#requireFlow(flow);
    return this.#index.tuple(flow * 2);
  }

  /**
   * Returns the tuple of packets to the flow's client. Throws `RangeError` if the flow is not in the table.
   */
  reply(flow: number): Tuple {
    this.#requireFlow(flow);
    return this.#index.tuple(flow * 2 + 1);
  }

  /** Returns the flows from least to most recently used. The table must not change during the iteration. */
  *flows(): IterableIterator<number> {
    for (let flow = this.#recency.oldest; flow >= 0; flow = this.#recency.newerThan(flow)) yield flow;
  }

  /** See `TupleIndex.longestRun`. For tests and diagnosis. */
  longestRun(): number {
    return this.#index.longestRun();
  }

  #replace(half: number): void {
    // The flow may already be gone, because both tuples can belong to one flow.
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
