/**
 * The received but unread part of a byte stream, in one piece. A chunk that arrives when nothing is unread
 * is read in place. Only bytes left over for the next chunk are copied.
 *
 * @module
 */
const NOTHING = Buffer.alloc(0);

export class UnreadBytes {
  /** The unread bytes are `[start, end)` of this buffer: the last chunk, or this object's own memory. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  /** Stream offset of `start`: the number of bytes read so far. */
  position = 0;
  /** Memory for copied bytes; grows to twice the longest unread piece. */
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

  /** Marks the next `count` unread bytes as read. They stay in place until `append` or `keep`. */
  take(count: number): void {
    this.start += count;
    this.position += count;
  }

  /** Releases the last chunk after copying its unread bytes. */
  keep(): void {
    if (this.length === 0) {
      this.bytes = NOTHING;
      this.start = this.end = 0;
    } else if (this.bytes !== this.#own) {
      this.#gather(0);
    }
  }

  /** Moves the unread bytes to the front of the own memory, with room for `more` bytes after them. */
  #gather(more: number): void {
    const needed = this.length + more;
    // Keep it at most half full, so that many small chunks do not move the same bytes repeatedly.
    const target = this.#own.length >= 2 * needed ? this.#own : Buffer.allocUnsafe(2 * needed);
    this.bytes.copy(target, 0, this.start, this.end);
    this.bytes = this.#own = target;
    this.end -= this.start;
    this.start = 0;
  }
}
