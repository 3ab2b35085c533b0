/**
 * The sequence number ranges held out of order: the bookkeeping of one half, without the bytes.
 *
 * Invariants:
 * - ranges are in ascending order, none is empty, and at least one number is missing between two of them
 *   (ranges that touch are merged);
 * - all ranges lie within 2^31 of each other, so that distances order them.
 *
 * @module
 */
import { sequenceAdd, sequenceBefore, sequenceDistance } from './sequence.js';

/**
 * Maximum number of ranges of one half. A 16 KiB window of full Ethernet segments makes at most 6 ranges;
 * 32 leaves room for senders of small segments and bounds the work that one segment can cause.
 */
export const MAX_HELD_RANGES = 32;

export class HeldRanges {
  readonly #starts = new Uint32Array(MAX_HELD_RANGES);
  readonly #lengths = new Uint32Array(MAX_HELD_RANGES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === MAX_HELD_RANGES;
  }

  /** Returns the sequence number of a range's first byte. */
  start(range: number): number {
    return this.#starts[range] ?? 0;
  }

  /** Returns the number of bytes in a range. */
  length(range: number): number {
    return this.#lengths[range] ?? 0;
  }

  /** Returns the sequence number after a range's last byte. */
  end(range: number): number {
    return sequenceAdd(this.start(range), this.length(range));
  }

  /** Returns the number of bytes in the ranges from `first` up to, not including, `last`. */
  bytesBetween(first: number, last: number): number {
    let bytes = 0;
    for (let range = first; range < last; range++) bytes += this.length(range);
    return bytes;
  }

  /** Returns the first range that ends at or after `sequence`; `count` if there is none. */
  firstEndingFrom(sequence: number): number {
    let range = 0;
    while (range < this.#count && sequenceBefore(this.end(range), sequence)) range++;
    return range;
  }

  /** Returns the first range, from `range` on, that starts after `sequence`; `count` if there is none. */
  firstStartingAfter(sequence: number, range: number): number {
    let after = range;
    while (after < this.#count && !sequenceBefore(sequence, this.start(after))) after++;
    return after;
  }

  /**
   * Replaces the ranges from `first` up to, not including, `last` with one range. A full list must replace
   * at least one.
   */
  replace(first: number, last: number, start: number, length: number): void {
    const growth = first + 1 - last;
    this.#starts.copyWithin(first + 1, last, this.#count);
    this.#lengths.copyWithin(first + 1, last, this.#count);
    this.#starts[first] = start;
    this.#lengths[first] = length;
    this.#count += growth;
  }

  /** Removes the first range. */
  removeFront(): void {
    this.#starts.copyWithin(0, 1, this.#count);
    this.#lengths.copyWithin(0, 1, this.#count);
    this.#count--;
  }

  /** Removes every number from `sequence` on. */
  truncate(sequence: number): void {
    while (this.#count > 0 && !sequenceBefore(this.start(this.#count - 1), sequence)) this.#count--;
    const last = this.#count - 1;
    if (last >= 0 && sequenceBefore(sequence, this.end(last))) {
      this.#lengths[last] = sequenceDistance(this.start(last), sequence);
    }
  }
}
