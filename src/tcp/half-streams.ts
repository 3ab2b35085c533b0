/**
 * The read position of each half in sequence numbers: the reassembly state that every half needs, in a row
 * of five words, separate from the bytes. A segment concerns both halves of its flow, whose rows are
 * adjacent: one or two cache lines to fetch, even among many flows. Half numbers are not checked.
 *
 * @module
 */
import { sequenceAdd, sequenceBefore, sequenceDistance } from './sequence.js';

/**
 * Maximum distance, ahead or behind, of a segment or an acknowledgement from the stream position. It is 16
 * times the 64 KiB initial window of a control connection, and 1 in 2,048 of the sequence numbers, against
 * blind guesses.
 */
export const REACH_BYTES = 2 ** 20;
/** After this many consecutive segments out of reach, the stream restarts at their position. */
export const STRAYS_TO_RESTART = 8;

/** State bits of a half. A half in order with nothing pending has `BEGUN` alone. */
const BEGUN = 1;
const HOLDING = 2;
const FIN_KNOWN = 4;
/** Unit of the counter of segments out of reach since the last one in reach. */
const STRAY = 8;
const ALL_STRAYS = (STRAYS_TO_RESTART - 1) * STRAY;

/**
 * Position of a segment: within reach of the stream; out of reach; or out of reach so often that the stream
 * must have moved.
 */
export type SegmentPosition = 'in-reach' | 'stray' | 'moved';

/** Words of a half's row. */
const ROW = {
  /** State bits; 0 before the half begins. */
  state: 0,
  /** Sequence number of the first byte of the stream. */
  initial: 1,
  /** Sequence number of the first byte not yet passed on. */
  next: 2,
  /** Highest sequence number that the receiver acknowledged. */
  acknowledged: 3,
  /** Sequence number after the last byte; valid with `FIN_KNOWN`. */
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

  /** Returns whether a segment at `sequence` continues the stream and no other state matters. */
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

  /** Returns the bytes from the stream's next byte to `sequence`; negative if `sequence` is behind. */
  ahead(half: number, sequence: number): number {
    return sequenceDistance(this.next(half), sequence);
  }

  holding(half: number): boolean {
    return this.#has(half, HOLDING);
  }

  setHolding(half: number, holding: boolean): void {
    this.#set(half, HOLDING, holding);
  }

  /** Classifies a segment by its sequence number and counts segments out of reach. */
  locate(half: number, sequence: number): SegmentPosition {
    if (Math.abs(this.ahead(half, sequence)) <= REACH_BYTES) {
      this.#set(half, ALL_STRAYS, false);
      return 'in-reach';
    }
    const state = this.#read(half, ROW.state);
    if ((state & ALL_STRAYS) === ALL_STRAYS) return 'moved';
    this.#write(half, ROW.state, state + STRAY);
    return 'stray';
  }

  /**
   * Records the end of the stream, once, unless it is already behind. Returns whether the end was recorded.
   */
  learnFin(half: number, fin: number): boolean {
    if (this.#has(half, FIN_KNOWN) || this.ahead(half, fin) < 0) return false;
    this.#set(half, FIN_KNOWN, true);
    this.#write(half, ROW.fin, fin);
    return true;
  }

  /** Returns the bytes from `sequence` to the end of the stream; `Infinity` while no FIN is known. */
  bytesToFin(half: number, sequence: number): number {
    return this.#has(half, FIN_KNOWN) ? sequenceDistance(sequence, this.#read(half, ROW.fin)) : Infinity;
  }

  /** Returns whether every byte up to the FIN was passed on or given up. */
  ended(half: number): boolean {
    return this.bytesToFin(half, this.next(half)) === 0;
  }

  /** Records the receiver's acknowledgement. Returns whether it advanced. */
  acknowledge(half: number, acknowledgment: number): boolean {
    if (!sequenceBefore(this.#read(half, ROW.acknowledged), acknowledgment)) return false;
    this.#write(half, ROW.acknowledged, acknowledgment);
    return true;
  }

  /** Returns whether the receiver has every byte before `sequence`, which lies after the next byte. */
  acknowledgedTo(half: number, sequence: number): boolean {
    const acknowledged = this.ahead(half, this.#read(half, ROW.acknowledged));
    // An acknowledgement out of reach is 2^31 bytes old: nothing ahead of the stream was acknowledged
    // since.
    return acknowledged <= REACH_BYTES && acknowledged >= this.ahead(half, sequence);
  }

  /** Returns the sequence number expected of the next segment. A FIN that was reached takes one number. */
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
