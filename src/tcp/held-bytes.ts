/**
 * Copies of the out-of-order bytes of one half. `HeldRanges` records their sequence numbers; the bytes lie
 * back to back, in the same order, in one buffer. Adjacent segments therefore merge into one range, and a
 * range is passed on in one piece.
 *
 * A segment costs at most one look at each range and one move of the held bytes, regardless of overlaps. A
 * refused segment changes nothing.
 *
 * @module
 */
import type { HeldBudget } from './held-budget.js';
import { HeldRanges } from './held-ranges.js';
import { sequenceAdd, sequenceDistance, sequenceEarlier, sequenceLater } from './sequence.js';

/**
 * The smallest buffer. It holds a full Ethernet segment, and most holes close before a second one arrives.
 */
export const MIN_BUFFER_BYTES = 2048;
/** Memory of a half with held bytes apart from its buffer (objects and range arrays), rounded up. */
export const HELD_OVERHEAD_BYTES = 1024;

/** Why bytes cannot be held: the half's bytes, its ranges, or the memory of all halves are exhausted. */
export type HoldRefusal = 'half-full' | 'too-many-ranges' | 'all-full';
export type HoldOutcome = 'held' | 'duplicate' | HoldRefusal;

/** A range that was removed. Borrowed until the next `hold`. */
export interface TakenRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export class HeldBytes {
  readonly #budget: HeldBudget;
  readonly #ranges = new HeldRanges();
  #buffer = Buffer.alloc(0);
  /** Memory reserved from the budget; 0 until the first segment is held. */
  #reserved = 0;
  /** Offset of the first held byte in `#buffer`, and the number of held bytes. */
  #head = 0;
  #bytes = 0;

  constructor(budget: HeldBudget) {
    this.#budget = budget;
  }

  /** Number of bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sequence number of the first held byte; undefined if no byte is held. */
  get front(): number {
    return this.#ranges.start(0);
  }

  /**
   * Holds the bytes of the segment that are not held yet. Bytes already held are kept: the first copy wins.
   *
   * @param sequence sequence number of the segment's first byte
   * @param segment at least one byte; copied
   */
  hold(sequence: number, segment: Buffer): HoldOutcome {
    const ranges = this.#ranges;
    const stop = sequenceAdd(sequence, segment.length);
    // The segment merges with the ranges that it overlaps or touches.
    const first = ranges.firstEndingFrom(sequence);
    const last = ranges.firstStartingAfter(stop, first);
    const joins = first < last;
    const start = joins ? sequenceEarlier(sequence, ranges.start(first)) : sequence;
    const end = joins ? sequenceLater(stop, ranges.end(last - 1)) : stop;
    const length = sequenceDistance(start, end);
    const growth = length - ranges.bytesBetween(first, last);
    this.#budget.work.ranges += ranges.count + 1;
    if (growth === 0) return 'duplicate';
    if (!joins && ranges.full) return 'too-many-ranges';
    if (this.#bytes + growth > this.#budget.limits.maxHalfBytes) return 'half-full';
    if (!this.#makeRoom(this.#bytes + growth)) return 'all-full';
    this.#shiftTail(last, growth);
    this.#merge(first, last, sequence, segment);
    ranges.replace(first, last, start, length);
    this.#bytes += growth;
    return 'held';
  }

  /** Removes the first range and returns it. There must be one. */
  takeFront(): TakenRange {
    const start = this.#head;
    const end = start + this.#ranges.length(0);
    this.#ranges.removeFront();
    this.#head = end;
    this.#bytes -= end - start;
    return { bytes: this.#buffer, start, end };
  }

  /** Drops every byte from `sequence` on. */
  truncate(sequence: number): void {
    this.#ranges.truncate(sequence);
    this.#bytes = this.#ranges.bytesBetween(0, this.#ranges.count);
  }

  /** Returns the memory to the budget. The object must not be used afterwards. */
  release(): void {
    this.#budget.release(this.#reserved);
    this.#reserved = 0;
  }

  /**
   * Makes room for `bytes` in `#buffer` from `#head` on. Returns false and changes nothing if the budget
   * refuses.
   */
  #makeRoom(bytes: number): boolean {
    if (this.#head + bytes <= this.#buffer.length) return true;
    if (bytes > this.#buffer.length) return this.#grow(bytes);
    this.#move(this.#head, this.#head + this.#bytes, 0);
    this.#head = 0;
    return true;
  }

  #grow(bytes: number): boolean {
    const { maxHalfBytes } = this.#budget.limits;
    const size = Math.min(Math.max(MIN_BUFFER_BYTES, 2 ** Math.ceil(Math.log2(bytes))), maxHalfBytes);
    const reserved = size + HELD_OVERHEAD_BYTES;
    if (!this.#budget.reserve(reserved - this.#reserved)) return false;
    this.#reserved = reserved;
    const grown = Buffer.allocUnsafeSlow(size);
    this.#budget.work.bytes += this.#buffer.copy(grown, 0, this.#head, this.#head + this.#bytes);
    this.#buffer = grown;
    this.#head = 0;
    return true;
  }

  /** Moves the bytes of the ranges from `range` on up by `growth`. */
  #shiftTail(range: number, growth: number): void {
    const tail = this.#head + this.#ranges.bytesBetween(0, range);
    this.#move(tail, this.#head + this.#bytes, tail + growth);
  }

  /**
   * Merges the ranges from `first` up to, not including, `last` with the segment. Works from the end to the
   * beginning, so that no byte is overwritten before it is moved. Each range moves up to its place, and the
   * hole behind it is filled from the segment.
   */
  #merge(first: number, last: number, sequence: number, segment: Buffer): void {
    const ranges = this.#ranges;
    const stretch = this.#head + ranges.bytesBetween(0, first);
    // The segment's first byte goes after the part of the first range that precedes it.
    const before = first < last ? Math.max(0, sequenceDistance(ranges.start(first), sequence)) : 0;
    const base = stretch + before;
    let unmoved = stretch + ranges.bytesBetween(first, last);
    let unfilled = segment.length;
    for (let range = last - 1; range >= first; range--) {
      const length = ranges.length(range);
      const at = sequenceDistance(sequence, ranges.start(range));
      this.#fill(segment, at + length, unfilled, base);
      this.#move(unmoved - length, unmoved, base + at);
      unmoved -= length;
      unfilled = at;
    }
    this.#fill(segment, 0, unfilled, base);
  }

  #fill(segment: Buffer, start: number, end: number, base: number): void {
    if (start < end) this.#budget.work.bytes += segment.copy(this.#buffer, base + start, start, end);
  }

  #move(start: number, end: number, to: number): void {
    if (start === end || start === to) return;
    this.#buffer.copyWithin(to, start, end);
    this.#budget.work.bytes += end - start;
  }
}
