/**
 * A line in the memory in which it was received. One object serves all lines of a scanner: it is borrowed, like
 * the bytes, and changes with the next line.
 *
 * @module
 */
export interface LineView {
  /** `[start, end)` is the line without its terminator. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The TCP sequence number of the line's first byte. */
  readonly sequence: number;
  /** A set of `LINE_TRAITS`. */
  readonly traits: number;
}

/** The scanner's own view of its current line. */
export class CurrentLine implements LineView {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  sequence = 0;
  traits = 0;
}
