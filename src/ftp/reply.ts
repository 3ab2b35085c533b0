/**
 * Groups the server's lines into replies (RFC 959 §4.2): `ddd text`; or `ddd-text`, any lines, and `ddd
 * text` with the same code. Every line in between is text, even if it looks like a reply.
 *
 * @module
 */
import { byteAt, HYPHEN, isDigit, PAST_END, SPACE, ZERO } from './ascii.js';

const CODE_LENGTH = 3;
/** Offset of the reply text, after the code and a blank or a hyphen. */
export const REPLY_TEXT_AT = CODE_LENGTH + 1;

/** Results of `ReplyGrouping.read` for a line that does not end a reply; codes begin at 100. */
export const REPLY_PART = {
  /** A reply code is missing. */
  none: 0,
  /** Opens a multi-line reply. */
  opening: 1,
  /** Lies inside a multi-line reply. */
  text: 2,
} as const;

/**
 * Returns the reply code at the beginning of `[start, end)`, 100 to 599, regardless of what follows; 0 if
 * there is none.
 */
export function replyCode(bytes: Buffer, start: number, end: number): number {
  const hundreds = byteAt(bytes, start, end) - ZERO;
  if (hundreds < 1 || hundreds > 5) return 0;
  const tens = byteAt(bytes, start + 1, end);
  const ones = byteAt(bytes, start + 2, end);
  if (!isDigit(tens) || !isDigit(ones)) return 0;
  return hundreds * 100 + (tens - ZERO) * 10 + (ones - ZERO);
}

/**
 * Returns whether the reply code at `start` is followed by a space or nothing, as in the last line of a
 * reply.
 */
export function endsReply(bytes: Buffer, start: number, end: number): boolean {
  const byte = byteAt(bytes, start + CODE_LENGTH, end);
  return byte === SPACE || byte === PAST_END;
}

export class ReplyGrouping {
  /** The code of each flow's open multi-line reply, or 0. */
  readonly #openCodes: Uint16Array;

  constructor(flows: number) {
    this.#openCodes = new Uint16Array(flows);
  }

  /** Makes the next line begin a reply. */
  reset(flow: number): void {
    this.#openCodes[flow] = 0;
  }

  /** Processes a line. Returns the code of the reply that the line ends, or the line's `REPLY_PART`. */
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
