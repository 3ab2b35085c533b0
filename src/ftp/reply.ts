/**
 * Groups the server's lines into replies (RFC 959 §4.2): `ddd text`, or `ddd-text`, any lines, and `ddd text`
 * with the same code. Whatever stands between is text, even where it looks like a reply itself.
 *
 * @module
 */
import { byteAt, HYPHEN, isDigit, PAST_END, SPACE, ZERO } from './ascii.js';

const CODE_LENGTH = 3;
/** Offset of a reply's text, behind its code and a blank or a hyphen. */
export const REPLY_TEXT_AT = CODE_LENGTH + 1;

/** What `ReplyGrouping.read` answers for a line that does not end a reply; codes begin at 100. */
export const REPLY_PART = {
  /** No reply code where one belongs. */
  none: 0,
  /** Opens a reply of several lines. */
  opening: 1,
  /** Stands inside a reply of several lines. */
  text: 2,
} as const;

/** The reply code that `[start, end)` begins with, 100 to 599, whatever follows it; 0 where it is none. */
export function replyCode(bytes: Buffer, start: number, end: number): number {
  const hundreds = byteAt(bytes, start, end) - ZERO;
  if (hundreds < 1 || hundreds > 5) return 0;
  const tens = byteAt(bytes, start + 1, end);
  const ones = byteAt(bytes, start + 2, end);
  if (!isDigit(tens) || !isDigit(ones)) return 0;
  return hundreds * 100 + (tens - ZERO) * 10 + (ones - ZERO);
}

/** Whether a reply code at `start` is followed as the last line of a reply wants it: a space, or nothing. */
export function endsReply(bytes: Buffer, start: number, end: number): boolean {
  const byte = byteAt(bytes, start + CODE_LENGTH, end);
  return byte === SPACE || byte === PAST_END;
}

export class ReplyGrouping {
  /** By flow: the code of the reply of several lines that is open, or 0. */
  readonly #openCodes: Uint16Array;

  constructor(flows: number) {
    this.#openCodes = new Uint16Array(flows);
  }

  /** The next line begins a reply. */
  reset(flow: number): void {
    this.#openCodes[flow] = 0;
  }

  /** Takes a line: the code of the reply that it ends, or the `REPLY_PART` that it is. */
  read(flow: number, bytes: Buffer, start: number, end: number): number {
    const code = replyCode(bytes, start, end);
    const openCode = this.#openCodes[flow] ?? 0;
    if (openCode !== 0) {
      if (code !== openCode || !endsReply(bytes, start, end)) return REPLY_PART.text;
      this.#openCodes[flow] = 0;
      return code;
    }
    if (code === 0) return REPLY_PART.none;
    if (endsReply(bytes, start, end)) return code;
    if (byteAt(bytes, start + CODE_LENGTH, end) !== HYPHEN) return REPLY_PART.none;
    this.#openCodes[flow] = code;
    return REPLY_PART.opening;
  }
}
