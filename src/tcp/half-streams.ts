/**
 * How far each half has been read, in sequence numbers: the part of reassembly that every half needs, in typed
 * arrays (18 bytes a half), apart from the bytes. Half numbers are not checked.
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

/** Bits of a half's state; 0 before it began. In order with nothing pending it is `BEGUN` alone. */
const BEGUN = 1;
const HOLDING = 2;
const FIN_KNOWN = 4;
const ASTRAY = 8;

/** Where a segment lies: in reach of the stream; out of it; or so often out of it that the stream must be there. */
export type Whereabouts = 'in-reach' | 'stray' | 'moved';

export class HalfStreams {
  readonly #states: Uint8Array;
  /** Number of the first byte of the stream. */
  readonly #initial: Uint32Array;
  /** Number of the first byte that has not been passed on. */
  readonly #next: Uint32Array;
  /** Furthest number that the receiver has acknowledged. */
  readonly #acknowledged: Uint32Array;
  /** Number after the last byte; with `FIN_KNOWN`. */
  readonly #fin: Uint32Array;
  /** Segments out of reach since the last one in reach; with `ASTRAY`. */
  readonly #strays: Uint8Array;

  constructor(halves: number) {
    this.#states = new Uint8Array(halves);
    this.#initial = new Uint32Array(halves);
    this.#next = new Uint32Array(halves);
    this.#acknowledged = new Uint32Array(halves);
    this.#fin = new Uint32Array(halves);
    this.#strays = new Uint8Array(halves);
  }

  begun(half: number): boolean {
    return this.#states[half] !== 0;
  }

  /** Whether bytes of this number continue the stream and nothing else is to be thought of. */
  continues(half: number, sequence: number): boolean {
    return this.#states[half] === BEGUN && this.#next[half] === sequence;
  }

  open(half: number, sequence: number): void {
    this.#states[half] = BEGUN;
    this.#initial[half] = sequence;
    this.#next[half] = sequence;
    this.#acknowledged[half] = sequence;
    this.#strays[half] = 0;
  }

  close(half: number): void {
    this.#states[half] = 0;
  }

  initial(half: number): number {
    return this.#initial[half] ?? 0;
  }

  next(half: number): number {
    return this.#next[half] ?? 0;
  }

  moveTo(half: number, next: number): void {
    this.#next[half] = next;
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
      this.#set(half, ASTRAY, false);
      this.#strays[half] = 0;
      return 'in-reach';
    }
    const strays = (this.#strays[half] ?? 0) + 1;
    if (strays >= STRAYS_TO_RESTART) return 'moved';
    this.#set(half, ASTRAY, true);
    this.#strays[half] = strays;
    return 'stray';
  }

  /** Notes where the stream ends, the first time and if that is not behind it already; says whether it did. */
  learnFin(half: number, fin: number): boolean {
    if (this.#has(half, FIN_KNOWN) || this.ahead(half, fin) < 0) return false;
    this.#set(half, FIN_KNOWN, true);
    this.#fin[half] = fin;
    return true;
  }

  /** Bytes from `sequence` to the end of the stream; `Infinity` while no FIN is known. */
  bytesToFin(half: number, sequence: number): number {
    return this.#has(half, FIN_KNOWN) ? sequenceDistance(sequence, this.#fin[half] ?? 0) : Infinity;
  }

  /** Whether every byte up to the FIN has been passed on or given up. */
  ended(half: number): boolean {
    return this.bytesToFin(half, this.next(half)) === 0;
  }

  /** Notes how far the receiver is; says whether that is further than it was known to be. */
  acknowledge(half: number, acknowledgment: number): boolean {
    if (!sequenceBefore(this.#acknowledged[half] ?? 0, acknowledgment)) return false;
    this.#acknowledged[half] = acknowledgment;
    return true;
  }

  /** Whether the receiver has every byte before `sequence`, which lies after the next byte. */
  acknowledgedTo(half: number, sequence: number): boolean {
    const acknowledged = this.ahead(half, this.#acknowledged[half] ?? 0);
    // Out of reach, it is one from 2^31 bytes ago: nothing was acknowledged ahead of the stream since.
    return acknowledged <= REACH_BYTES && acknowledged >= this.ahead(half, sequence);
  }

  /** The number that the next segment should have: a FIN that was reached takes one. */
  expected(half: number): number {
    return sequenceAdd(this.next(half), this.ended(half) ? 1 : 0);
  }

  #has(half: number, bit: number): boolean {
    return ((this.#states[half] ?? 0) & bit) !== 0;
  }

  #set(half: number, bit: number, on: boolean): void {
    const state = this.#states[half] ?? 0;
    this.#states[half] = on ? state | bit : state & ~bit;
  }
}
