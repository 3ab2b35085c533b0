/**
 * The kept beginning of a line whose end has not arrived. It keeps bytes up to its limit and counts the
 * rest.
 *
 * @module
 */
import { byteAt, PAST_END } from './ascii.js';

/** Command lines are rarely longer, so most tails never grow. */
const FIRST_CAPACITY = 64;
const EMPTY = Buffer.alloc(0);

export class LineTail {
  /** Valid up to `kept`. */
  bytes: Buffer = EMPTY;
  kept = 0;
  /** Length of the line so far, including bytes that were not kept. */
  length = 0;
  lastByte: number = PAST_END;
  /** Traits seen so far. */
  traits = 0;
  /** Sequence number of the line's first byte. */
  readonly sequence: number;
  readonly #limit: number;

  constructor(sequence: number, limit: number) {
    this.sequence = sequence;
    this.#limit = limit;
  }

  append(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    const kept = Math.min(this.#limit, this.kept + (to - from));
    if (kept > this.bytes.length) this.#grow(kept);
    bytes.copy(this.bytes, this.kept, from, from + (kept - this.kept));
    this.kept = kept;
    this.length += to - from;
    this.lastByte = byteAt(bytes, to - 1, to);
  }

  #grow(needed: number): void {
    const capacity = Math.min(this.#limit, Math.max(needed, this.bytes.length * 2, FIRST_CAPACITY));
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.bytes.copy(grown, 0, 0, this.kept);
    this.bytes = grown;
  }
}
