/**
 * Finds halves by tuple: open addressing with linear probing over integers. A slot is two words, the half
 * and its hash, so a probe touches one cache line and compares keys only if the hashes match.
 *
 * Invariants:
 * - walking from the home slot of its hash reaches a half before any empty slot. Removal moves entries back
 *   instead of leaving tombstones, so walks stay as short after years of churn as in a new table;
 * - at most half of the slots are in use, so every walk ends. The table doubles as needed, so that a small
 *   number of halves stays close together in memory, where lookups cost less;
 * - entries with the same home slot stay in insertion order. Of two halves with equal keys, which only a
 *   connection to itself has, the first is found.
 *
 * @module
 */
import type { Tuple } from '../wire/tuple.js';
import { halfSipHash } from './half-sip-hash.js';
import { KEY_WORDS, tupleOfWords, type TupleKey } from './tuple-key.js';

/**
 * Slots for each half. The load stays at or below one half, at which a miss examines 2.5 slots on average.
 */
const SLOTS_PER_HALF = 2;
/** Slots of a new table: 4 KiB. */
const FIRST_SLOTS = 512;
/** Words of a half's row: the number of key words (0 if the half is not in the index), then the key. */
const ROW_WORDS = 1 + KEY_WORDS;

export class TupleIndex {
  /** Two words per slot: half + 1, or 0 for an empty slot; then the half's hash. */
  #slots = new Int32Array(FIRST_SLOTS * 2);
  #mask = FIRST_SLOTS - 1;
  #size = 0;
  /** `ROW_WORDS` words per half. */
  readonly #rows: Int32Array;
  readonly #seedLow: number;
  readonly #seedHigh: number;

  /** @param seed a safe integer; choosing colliding tuples requires knowing it */
  constructor(halves: number, seed: number) {
    this.#rows = new Int32Array(halves * ROW_WORDS);
    this.#seedLow = seed | 0;
    this.#seedHigh = Math.floor(seed / 2 ** 32) | 0;
  }

  /** Returns the half with this key, or -1. */
  find(key: TupleKey): number {
    const hash = this.#hash(key.words, 0, key.count);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot * 2] ?? 0;
      if (entry === 0) return -1;
      if (this.#slots[slot * 2 + 1] === hash && this.#hasKey(entry - 1, key)) return entry - 1;
    }
  }

  /** Returns whether the half is in the index; any number is allowed. */
  has(half: number): boolean {
    return this.#count(half) !== 0;
  }

  /** Adds a half, which must not be in the index. */
  insert(half: number, key: TupleKey): void {
    const at = half * ROW_WORDS;
    this.#rows[at] = key.count;
    for (let word = 0; word < key.count; word++) this.#rows[at + 1 + word] = key.words[word] ?? 0;
    this.#size++;
    if (this.#size * SLOTS_PER_HALF > this.#mask + 1) this.#grow();
    this.#enter(half + 1, this.#hash(key.words, 0, key.count));
  }

  /** Removes a half. Does nothing if the half is not in the index. */
  remove(half: number): void {
    const count = this.#count(half);
    if (count === 0) return;
    const at = half * ROW_WORDS;
    let slot = this.#hash(this.#rows, at + 1, count) & this.#mask;
    while (this.#slots[slot * 2] !== half + 1) slot = (slot + 1) & this.#mask;
    this.#rows[at] = 0;
    this.#size--;
    this.#vacate(slot);
  }

  /** Returns the tuple of a half. */
  tuple(half: number): Tuple {
    return tupleOfWords(this.#rows, half * ROW_WORDS + 1, this.#count(half));
  }

  /**
   * Returns the number of slots of the longest possible walk, a measure of how well the hash spreads. Reads
   * every slot.
   */
  longestRun(): number {
    let longest = 0;
    let run = 0;
    for (let slot = 0; slot <= this.#mask; slot++) {
      run = this.#slots[slot * 2] === 0 ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  /**
   * Doubles the slots. Runs are moved from their beginning, so that entries with the same home keep their
   * order.
   */
  #grow(): void {
    const before = this.#slots;
    const slots = before.length;
    this.#slots = new Int32Array(slots * 2);
    this.#mask = slots - 1;
    const first = firstEmpty(before);
    for (let walked = 0; walked < before.length; walked += 2) {
      const at = (first + walked) % before.length;
      const entry = before[at] ?? 0;
      if (entry !== 0) this.#enter(entry, before[at + 1] ?? 0);
    }
  }

  #enter(entry: number, hash: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#fill(slot, entry, hash);
  }

  /** Empties a slot, and moves back every later entry that was displaced past it. */
  #vacate(slot: number): void {
    let hole = slot;
    let at = (hole + 1) & this.#mask;
    for (;;) {
      const entry = this.#slots[at * 2] ?? 0;
      if (entry === 0) break;
      const hash = this.#slots[at * 2 + 1] ?? 0;
      const walked = (at - hash) & this.#mask;
      const toHole = (at - hole) & this.#mask;
      // An entry whose home is after the hole must not move before its home.
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
    const at = half * ROW_WORDS;
    if (this.#rows[at] !== key.count) return false;
    for (let word = 0; word < key.count; word++) {
      if (this.#rows[at + 1 + word] !== key.words[word]) return false;
    }
    return true;
  }

  #count(half: number): number {
    return this.#rows[half * ROW_WORDS] ?? 0;
  }

  #hash(words: Int32Array, at: number, count: number): number {
    return halfSipHash(words, at, count, this.#seedLow, this.#seedHigh);
  }
}

/** Returns an offset that no run of entries crosses. From there on, runs can be moved one after the other. */
function firstEmpty(slots: Int32Array): number {
  for (let at = 0; ; at += 2) if (slots[at] === 0) return at;
}
