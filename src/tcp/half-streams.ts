/**
 * How far each half has been read, in sequence numbers: the part of reassembly that every half needs, in a row of
 * five words, apart from the bytes. A segment is about both halves of its flow, whose rows lie side by side: among
 * many flows that is one or two cache lines to be fetched. Half numbers are not checked.
 *
 * @module
 */
import { sequenceAdd, sequenceBefore, sequenceDistance } from './sequence.js';

/**
 * How far ahead of the stream, or behind it, a segment or an acknowledgement may lie: 16 times the 64 KiB window
 * that a control connection starts with, and 1 in 2,048 of the numbers that one may guess blindly.
 */
export const REACH_BYTES = 2 ** 20;
/** So many segments one after the other out of reach, and the stream is taken to be where they are. */
export const STRAYS_TO_RESTART = 8;

/** Bits of a half's state. In order with nothing pending it is `BEGUN` alone. */
const BEGUN = 1;
const HOLDING = 2;
const FIN_KNOWN = 4;
/** In steps of this: segments out of reach since the last one in reach. */
const STRAY = 8;
const ALL_STRAYS = (STRAYS_TO_RESTART - 1) * STRAY;

/** Where a segment lies: in reach of the stream; out of it; or so often out of it that the stream must be there. */
export type Whereabouts = 'in-reach' | 'stray' | 'moved';

/** Words of a half's row. */
const ROW = {
  /** Its state bits; 0 before it began. */
  state: 0,
  /** Number of the first byte of the stream. */
  initial: 1,
  /** Number of the first byte that has not been passed on. */
  next: 2,
  /** Furthest number that the receiver has acknowledged. */
  acknowledged: 3,
  /** Number after the last byte; with `FIN_KNOWN`. */
  fin: 4,
} as const;
const ROW_WORDS = 5;

export class HalfStreams {
  readonly #rows: Uint32Array;

  constructor(halves: number) {
    this.#rows = new Uint32Array(halves * ROW_WORDS);
  }

  begun(half: number): boolean {
    return this.#rows[half * ROW_WORDS] !== 0;
  }

  /** Whether bytes of this number continue the stream and nothing else is to be thought of. */
  continues(half: number, sequence: number): boolean {
    const at = half * ROW_WORDS;
    return this.#rows[at] === BEGUN && this.#rows[at + ROW.next] === sequence;
  }

  open(half: number, sequence: number): void {
    this.#write(half, ROW.state, BEGUN);
    this.#write(half, ROW.initial, sequence);
    this.#write(half, ROW.next, sequence);
    this.#write(half, ROW.acknowledged, sequence);
  }

  close(half: number): void {
    this.#write(half, ROW.state, 0);
  }

  initial(half: number): number {
    return this.#read(half, ROW.initial);
  }

  next(half: number): number {
    return this.#read(half, ROW.next);
  }

  moveTo(half: number, next: number): void {
    this.#write(half, ROW.next, next);
  }

  /** Bytes from the next byte of the stream to `sequence`; negative where it lies behind. */
  ahead(half: number, sequence: number): number {
    return sequenceDistance(this.next(half), sequence);
  }

  holding(half: number): boolean {
    return this.#has(half, HOLDING);
  }

  setHolding(half: number, holding: boolean): void {
    this.#set(half, HOLDING, holding);
  }

  /** Judges a segment by its number, and remembers how many have lain out of reach. */
  locate(half: number, sequence: number): Whereabouts {
    if (Math.abs(this.ahead(half, sequence)) <= REACH_BYTES) {
      this.#set(half, ALL_STRAYS, false);
      return 'in-reach';
    }
    const state = this.#read(half, ROW.state);
    if ((state & ALL_STRAYS) === ALL_STRAYS) return 'moved';
    this.#write(half, ROW.state, state + STRAY);
    return 'stray';
  }

  /** Notes where the stream ends, the first time and if that is not behind it already; says whether it did. */
  learnFin(half: number, fin: number): boolean {
    if (this.#has(half, FIN_KNOWN) || this.ahead(half, fin) < 0) return false;
    this.#set(half, FIN_KNOWN, true);
    this.#write(half, ROW.fin, fin);
    return true;
  }

  /** Bytes from `sequence` to the end of the stream; `Infinity` while no FIN is known. */
  bytesToFin(half: number, sequence: number): number {
    return this.#has(half, FIN_KNOWN) ? sequenceDistance(sequence, this.#read(half, ROW.fin)) : Infinity;
  }

  /** Whether every byte up to the FIN has been passed on or given up. */
  ended(half: number): boolean {
    return this.bytesToFin(half, this.next(half)) === 0;
  }

  /** Notes how far the receiver is; says whether that is further than it was known to be. */
  acknowledge(half: number, acknowledgment: number): boolean {
    if (!sequenceBefore(this.#read(half, ROW.acknowledged), acknowledgment)) return false;
    this.#write(half, ROW.acknowledged, acknowledgment);
    return true;
  }

  /** Whether the receiver has every byte before `sequence`, which lies after the next byte. */
  acknowledgedTo(half: number, sequence: number): boolean {
    const acknowledged = this.ahead(half, this.#read(half, ROW.acknowledged));
    // Out of reach, it is one from 2^31 bytes ago: nothing was acknowledged ahead of the stream since.
    return acknowledged <= REACH_BYTES && acknowledged >= this.ahead(half, sequence);
  }

  /** The number that the next segment should have: a FIN that was reached takes one. */
  expected(half: number): number {
    return sequenceAdd(this.next(half), this.ended(half) ? 1 : 0);
  }

  #has(half: number, bit: number): boolean {
    return (this.#read(half, ROW.state) & bit) !== 0;
  }

  #set(half: number, bits: number, on: boolean): void {
    const state = this.#read(half, ROW.state);
    this.#write(half, ROW.state, on ? state | bits : state & ~bits);
  }

  #read(half: number, word: number): number {
    return this.#rows[half * ROW_WORDS + word] ?? 0;
  }

  #write(half: number, word: number, value: number): void {
    this.#rows[half * ROW_WORDS + word] = value;
  }
}
