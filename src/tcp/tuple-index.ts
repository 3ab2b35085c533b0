/**
 * Finds halves by their tuple: open addressing with linear probing over integers. A slot is two words, the half
 * and its hash, so that a probe touches one cache line and compares a key only when the hashes agree.
 *
 * Invariants:
 * - a half is found by walking from its hash's home slot without meeting an empty one; removal moves entries back
 *   instead of leaving tombstones, so the walk stays as short after years of churn as in a new table;
 * - at most half of the slots are taken, so every walk ends;
 * - entries of one home slot stay in the order in which they came: of halves with equal keys, which only a
 *   connection to itself has, the first is found.
 *
 * @module
 */
import type { Tuple } from '../wire/tuple.js';
import { halfSipHash } from './half-sip-hash.js';
import { KEY_WORDS, tupleOfWords, type TupleKey } from './tuple-key.js';

/** Slots for each half: the load stays at or below one half, where a miss looks at 2.5 slots on average. */
const SLOTS_PER_HALF = 2;

export class TupleIndex {
  /** Two words a slot: half + 1, or 0 for an empty slot; and the half's hash. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** `KEY_WORDS` words a half. */
  readonly #keys: Int32Array;
  /** Words of the half's key; 0 while the half is not in the index. */
  readonly #counts: Uint8Array;
  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** @param seed a safe integer; whoever does not know it cannot choose tuples that collide */
  constructor(halves: number, seed: number) {
    const slots = 2 ** Math.ceil(Math.log2(halves * SLOTS_PER_HALF));
    this.#slots = new Int32Array(slots * 2);
    this.#mask = slots - 1;
    this.#keys = new Int32Array(halves * KEY_WORDS);
    this.#counts = new Uint8Array(halves);
    this.#seedLow = seed | 0;
    this.#seedHigh = Math.floor(seed / 2 ** 32) | 0;
  }

  /** The half with this key, or -1. */
  find(key: TupleKey): number {
    const hash = this.#hash(key.words, 0, key.count);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot * 2] ?? 0;
      if (entry === 0) return -1;
      if (this.#slots[slot * 2 + 1] === hash && this.#hasKey(entry - 1, key)) return entry - 1;
    }
  }

  /** Whether the half is in the index; any number may be asked for. */
  has(half: number): boolean {
    return (this.#counts[half] ?? 0) !== 0;
  }

  /** Puts in a half that is not in the index. */
  insert(half: number, key: TupleKey): void {
    const at = half * KEY_WORDS;
    for (let word = 0; word < key.count; word++) this.#keys[at + word] = key.words[word] ?? 0;
    this.#counts[half] = key.count;
    const hash = this.#hash(key.words, 0, key.count);
    let slot = hash & this.#mask;
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#fill(slot, half + 1, hash);
  }

  /** Takes out a half; nothing happens where it is not in the index. */
  remove(half: number): void {
    const count = this.#counts[half] ?? 0;
    if (count === 0) return;
    let slot = this.#hash(this.#keys, half * KEY_WORDS, count) & this.#mask;
    while (this.#slots[slot * 2] !== half + 1) slot = (slot + 1) & this.#mask;
    this.#counts[half] = 0;
    this.#vacate(slot);
  }

  /** The tuple under which a half is in the index. */
  tuple(half: number): Tuple {
    return tupleOfWords(this.#keys, half * KEY_WORDS, this.#counts[half] ?? 0);
  }

  /** Slots of the longest walk there can be now: the measure of how well the hash spreads. Reads every slot. */
  longestRun(): number {
    let longest = 0;
    let run = 0;
    for (let slot = 0; slot <= this.#mask; slot++) {
      run = this.#slots[slot * 2] === 0 ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  /** Empties a slot, and moves back into it whatever lies behind only because the slot was taken. */
  #vacate(slot: number): void {
    let hole = slot;
    let at = (hole + 1) & this.#mask;
    for (;;) {
      const entry = this.#slots[at * 2] ?? 0;
      if (entry === 0) break;
      const hash = this.#slots[at * 2 + 1] ?? 0;
      const walked = (at - hash) & this.#mask;
      const toHole = (at - hole) & this.#mask;
      // An entry whose home lies after the hole must stay behind its home.
      if (walked >= toHole) {
        this.#fill(hole, entry, hash);
        hole = at;
      }
      at = (at + 1) & this.#mask;
    }
    this.#slots[hole * 2] = 0;
  }

  #fill(slot: number, entry: number, hash: number): void {
    this.#slots[slot * 2] = entry;
    this.#slots[slot * 2 + 1] = hash;
  }

  #hasKey(half: number, key: TupleKey): boolean {
    if (this.#counts[half] !== key.count) return false;
    const at = half * KEY_WORDS;
    for (let word = 0; word < key.count; word++) {
      if (this.#keys[at + word] !== key.words[word]) return false;
    }
    return true;
  }

  #hash(words: Int32Array, at: number, count: number): number {
    return halfSipHash(words, at, count, this.#seedLow, this.#seedHigh);
  }
}
