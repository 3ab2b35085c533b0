/**
 * The part of a byte stream that arrived and was not read yet, in one piece. A chunk that arrives when nothing
 * is unread is read where it lies; only what a reader leaves for the next chunk is copied.
 *
 * @module
 */
const NOTHING = Buffer.alloc(0);

export class UnreadBytes {
  /** The unread bytes are `[start, end)` of it: the last chunk, or memory of our own. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  /** Where in the stream `start` is: the count of bytes read so far. */
  position = 0;
  /** Memory for what had to be copied; grows to twice the longest such piece. */
  #own: Buffer = NOTHING;

  get length(): number {
    return this.end - this.start;
  }

  /** Borrows `chunk` until `keep`. */
  append(chunk: Buffer): void {
    if (this.length === 0) {
      this.bytes = chunk;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    if (this.bytes !== this.#own || this.#own.length - this.end < chunk.length) this.#gather(chunk.length);
    chunk.copy(this.#own, this.end);
    this.end += chunk.length;
  }

  /** The next `count` unread bytes are read now; they stay where they are until `append` or `keep`. */
  take(count: number): void {
    this.start += count;
    this.position += count;
  }

  /** Lets go of the last chunk: what is unread of it is copied. */
  keep(): void {
    if (this.length === 0) {
      this.bytes = NOTHING;
      this.start = this.end = 0;
    } else if (this.bytes !== this.#own) {
      this.#gather(0);
    }
  }

  /** Moves what is unread to the front of our own memory, with room for `more` bytes behind it. */
  #gather(more: number): void {
    const needed = this.length + more;
    // Filled to half at most, so that many small chunks do not move the same bytes again and again.
    const target = this.#own.length >= 2 * needed ? this.#own : Buffer.allocUnsafe(2 * needed);
    this.bytes.copy(target, 0, this.start, this.end);
    this.bytes = this.#own = target;
    this.end -= this.start;
    this.start = 0;
  }
}
