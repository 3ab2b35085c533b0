/**
 * Cuts the byte streams of many control connections into lines. A half (one direction of a connection) is
 * one stream. Its bytes arrive in order, in pieces of any size, and the pieces do not affect the resulting
 * lines. A line that lies whole in one piece is passed on in place. Only the unfinished end of a piece is
 * copied, up to a limit.
 *
 * RFC 959 §5.3.1 ends a line with CRLF. A bare LF also ends a line here, because servers accept it. The
 * line before and the line after carry a trait that records this, because a peer may have smuggled the LF
 * in.
 *
 * No method except `forget` may be called from within `onLine`.
 *
 * @module
 */
import { byteAt, CR, LF, NUL, PAST_END } from './ascii.js';
import { LineTail } from './line-tail.js';
import { CurrentLine, type LineView } from './line-view.js';
import { nextNotable } from './notable-bytes.js';
import { IAC, stripTelnet } from './telnet.js';

/** Peculiarities of a line: a set of bits. */
export const LINE_TRAITS = {
  /** Ends with a bare LF. */
  bareLineFeed: 0x01,
  /** The previous line ended with a bare LF, or with an LF whose predecessor was not seen. */
  afterBareLineFeed: 0x02,
  /** Longer than the limit; only its beginning is passed on. */
  tooLong: 0x04,
  /** Contains NUL. */
  nul: 0x08,
  /** Telnet sequences were removed, so offsets in the line do not map to sequence numbers. */
  telnet: 0x10,
  /** Bytes were lost before this line, perhaps whole lines. */
  afterGap: 0x20,
} as const;

export interface LineSink {
  /** `line` is borrowed until this returns. */
  onLine(half: number, line: LineView): void;
}

export interface LineScannerOptions {
  /** Number of halves, two for each connection. */
  readonly halves: number;
  /** Maximum number of bytes of a line that are passed on, its terminator not counted. */
  readonly maxLine?: number;
  /** Maximum number of bytes kept for all unfinished lines together. */
  readonly maxTailBytes?: number;
}

export interface LineScannerCounters {
  lines: number;
  bareLineFeed: number;
  tooLong: number;
  nul: number;
  telnet: number;
  /** Number of times that a half lost line synchronisation. */
  lost: number;
  /** Unfinished lines dropped because all of them together exceeded the limit. */
  tailsDropped: number;
}

/** RFC 959 has no limit; servers accept 512 to 4,096 bytes. */
export const DEFAULT_MAX_LINE = 2048;

/** About 8,000 connections with an unfinished line of 2,048 bytes, or 260,000 with a short one. */
export const DEFAULT_MAX_TAIL_BYTES = 16 * 1024 * 1024;

/** State bits of a half; 0 is a half that takes no bytes. */
const ACTIVE = 0x01;
/** Bytes are skipped up to and including the next LF. */
const OUT_OF_STEP = 0x02;
/** The last skipped byte was CR. */
const PASSED_CR = 0x04;
const AFTER_BARE_LF = 0x08;
const AFTER_GAP = 0x10;
/** `#tails` holds the beginning of a line. */
const UNFINISHED = 0x20;

export class LineScanner {
  readonly counters: LineScannerCounters = {
    lines: 0,
    bareLineFeed: 0,
    tooLong: 0,
    nul: 0,
    telnet: 0,
    lost: 0,
    tailsDropped: 0,
  };
  readonly #sink: LineSink;
  readonly #maxLine: number;
  readonly #maxTailBytes: number;
  readonly #states: Uint8Array;
  readonly #tails = new Map<number, LineTail>();
  /** Capacity of all tails together. */
  #tailBytes = 0;
  /** Buffer for a line without its telnet sequences. */
  readonly #stripped: Buffer;
  readonly #line = new CurrentLine();

  constructor(options: LineScannerOptions, sink: LineSink) {
    this.#sink = sink;
    this.#maxLine = options.maxLine ?? DEFAULT_MAX_LINE;
    this.#maxTailBytes = options.maxTailBytes ?? DEFAULT_MAX_TAIL_BYTES;
    this.#states = new Uint8Array(options.halves);
    this.#stripped = Buffer.alloc(this.#maxLine);
  }

  /** Starts a half at the beginning of a line. */
  begin(half: number): void {
    this.forget(half);
    this.#states[half] = ACTIVE;
  }

  /** Starts a half at an unknown position within a line. It is synchronised again after the next LF. */
  lose(half: number): void {
    this.forget(half);
    this.#states[half] = ACTIVE | OUT_OF_STEP;
    this.counters.lost += 1;
  }

  /** Makes the half ignore bytes until `begin` or `lose`. */
  forget(half: number): void {
    if ((this.#state(half) & UNFINISHED) !== 0) this.#dropTail(half);
    this.#states[half] = 0;
  }

  /**
   * Returns the half's unfinished line, borrowed until the half's next bytes. Its bytes are unmodified, IAC
   * included.
   */
  unfinished(half: number): LineTail | undefined {
    return (this.#state(half) & UNFINISHED) === 0 ? undefined : this.#tails.get(half);
  }

  /** Processes the next bytes of a half. `sequence` is the sequence number of the first. */
  scan(half: number, bytes: Buffer, start: number, end: number, sequence: number): void {
    let lineStart = start;
    let traits = 0;
    for (let at = nextNotable(bytes, start, end); at < end; at = nextNotable(bytes, at + 1, end)) {
      const byte = bytes[at];
      if (byte === LF) {
        if (this.#state(half) === 0) return;
        this.#endLine(half, bytes, lineStart, at, (sequence + (lineStart - start)) >>> 0, traits);
        lineStart = at + 1;
        traits = 0;
      } else if (byte === IAC) {
        traits |= LINE_TRAITS.telnet;
      } else if (byte === NUL) {
        traits |= LINE_TRAITS.nul;
      }
    }
    if (lineStart === end || this.#state(half) === 0) return;
    this.#keep(half, bytes, lineStart, end, (sequence + (lineStart - start)) >>> 0, traits);
  }

  /** `[from, lineFeed)` is the end of the half's line, or the whole line. */
  #endLine(
    half: number,
    bytes: Buffer,
    from: number,
    lineFeed: number,
    sequence: number,
    traits: number,
  ): void {
    const state = this.#state(half);
    const lastByte = from === lineFeed ? PAST_END : byteAt(bytes, lineFeed - 1, lineFeed);
    if ((state & OUT_OF_STEP) !== 0) {
      const passedCr = lastByte === PAST_END ? (state & PASSED_CR) !== 0 : lastByte === CR;
      this.#states[half] = ACTIVE | AFTER_GAP | (passedCr ? 0 : AFTER_BARE_LF);
      return;
    }
    if ((state & AFTER_GAP) !== 0) traits |= LINE_TRAITS.afterGap;
    if ((state & AFTER_BARE_LF) !== 0) traits |= LINE_TRAITS.afterBareLineFeed;
    if ((state & UNFINISHED) === 0) {
      this.#setLine(bytes, from, lineFeed, sequence, traits);
      this.#giveLine(half, lastByte);
      return;
    }
    const tail = this.#dropTail(half);
    tail.append(bytes, from, lineFeed);
    this.#setLine(tail.bytes, 0, tail.length, tail.sequence, traits | tail.traits);
    this.#giveLine(half, tail.lastByte);
  }

  #setLine(bytes: Buffer, start: number, end: number, sequence: number, traits: number): void {
    const line = this.#line;
    line.bytes = bytes;
    line.start = start;
    line.end = end;
    line.sequence = sequence;
    line.traits = traits;
  }

  /** The current line still includes `lastByte`, the byte before its LF. */
  #giveLine(half: number, lastByte: number): void {
    const line = this.#line;
    const hasCr = lastByte === CR;
    this.#states[half] = hasCr ? ACTIVE : ACTIVE | AFTER_BARE_LF;
    if (!hasCr) line.traits |= LINE_TRAITS.bareLineFeed;
    const length = line.end - line.start - (hasCr ? 1 : 0);
    if (length > this.#maxLine) line.traits |= LINE_TRAITS.tooLong;
    line.end = line.start + Math.min(length, this.#maxLine);
    if ((line.traits & LINE_TRAITS.telnet) !== 0) this.#stripLine(line);
    this.#count(line.traits);
    this.#sink.onLine(half, line);
  }

  #stripLine(line: CurrentLine): void {
    line.end = stripTelnet(line.bytes, line.start, line.end, this.#stripped);
    line.bytes = this.#stripped;
    line.start = 0;
    line.traits = withNulTrait(line.traits, line.bytes, line.end);
  }

  #keep(half: number, bytes: Buffer, from: number, to: number, sequence: number, traits: number): void {
    const state = this.#state(half);
    if ((state & OUT_OF_STEP) !== 0) {
      this.#states[half] = ACTIVE | OUT_OF_STEP | (byteAt(bytes, to - 1, to) === CR ? PASSED_CR : 0);
      return;
    }
    let tail = this.#tails.get(half);
    if (tail === undefined) {
      // One byte more than the maximum line, for the CR.
      tail = new LineTail(sequence, this.#maxLine + 1);
      this.#tails.set(half, tail);
      this.#states[half] = state | UNFINISHED;
    } else {
      this.#tailBytes -= tail.bytes.length;
    }
    tail.append(bytes, from, to);
    tail.traits |= traits;
    this.#tailBytes += tail.bytes.length;
    if (this.#tailBytes > this.#maxTailBytes) this.#giveUpLine(half, tail.lastByte);
  }

  #giveUpLine(half: number, lastByte: number): void {
    this.#dropTail(half);
    this.#states[half] = ACTIVE | OUT_OF_STEP | (lastByte === CR ? PASSED_CR : 0);
    this.counters.tailsDropped += 1;
  }

  #dropTail(half: number): LineTail {
    const tail = this.#tails.get(half);
    if (tail === undefined) throw new RangeError(`half ${half} has no unfinished line`);
    this.#tails.delete(half);
    this.#tailBytes -= tail.bytes.length;
    return tail;
  }

  #count(traits: number): void {
    const { counters } = this;
    counters.lines += 1;
    if (traits === 0) return;
    if ((traits & LINE_TRAITS.bareLineFeed) !== 0) counters.bareLineFeed += 1;
    if ((traits & LINE_TRAITS.tooLong) !== 0) counters.tooLong += 1;
    if ((traits & LINE_TRAITS.nul) !== 0) counters.nul += 1;
    if ((traits & LINE_TRAITS.telnet) !== 0) counters.telnet += 1;
  }

  #state(half: number): number {
    return this.#states[half] ?? 0;
  }
}

/** A NUL inside a removed telnet sequence does not count. */
function withNulTrait(traits: number, stripped: Buffer, end: number): number {
  const contains = stripped.subarray(0, end).includes(NUL);
  return contains ? traits | LINE_TRAITS.nul : traits & ~LINE_TRAITS.nul;
}
