/** Reference implementation of the flow table, with string keys in a map and an array in order of use. */
import type { EvictionCause } from '../../src/tcp/flow-table.js';
import { formatTuple, type Tuple } from '../../src/wire/tuple.js';

interface NaiveFlow {
  readonly slot: number;
  readonly original: string;
  readonly reply: string;
  lastSeen: number;
}

export class NaiveFlowTable {
  readonly evicted: string[] = [];
  readonly #capacity: number;
  #flows: NaiveFlow[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get slots(): number[] {
    return this.#flows.map((flow) => flow.slot);
  }

  find(tuple: Tuple): number {
    const key = keyOf(tuple);
    for (const flow of this.#flows) {
      if (flow.original === key) return flow.slot * 2;
      if (flow.reply === key) return flow.slot * 2 + 1;
    }
    return -1;
  }

  /** Evicts first, because `slot` is known only after the table under test has returned. */
  prepare(original: Tuple, reply: Tuple): void {
    for (const tuple of [original, reply]) {
      const half = this.find(tuple);
      if (half >= 0) this.#evict(half >> 1, 'replaced');
    }
    const oldest = this.#flows[0];
    if (oldest !== undefined && this.#flows.length === this.#capacity) this.#evict(oldest.slot, 'full');
  }

  add(slot: number, original: Tuple, reply: Tuple, now: number): void {
    this.#flows.push({ slot, original: keyOf(original), reply: keyOf(reply), lastSeen: Math.floor(now) });
  }

  touch(slot: number, now: number): void {
    const flow = this.#flows.find((other) => other.slot === slot);
    // The order of use within one second is not kept.
    if (flow === undefined || flow.lastSeen === Math.floor(now)) return;
    flow.lastSeen = Math.floor(now);
    this.#flows = [...this.#flows.filter((other) => other !== flow), flow];
  }

  remove(slot: number): void {
    this.#flows = this.#flows.filter((flow) => flow.slot !== slot);
  }

  expire(before: number): void {
    for (let oldest = this.#flows[0]; oldest !== undefined; oldest = this.#flows[0]) {
      if (oldest.lastSeen >= before) return;
      this.#evict(oldest.slot, 'idle');
    }
  }

  #evict(slot: number, cause: EvictionCause): void {
    this.evicted.push(`${slot} ${cause}`);
    this.remove(slot);
  }
}

/** The lengths distinguish an IPv4 address from the IPv6 address that embeds it. */
const keyOf = (tuple: Tuple): string => `${tuple.source.length} ${formatTuple(tuple)}`;
