/**
 * Puts the bytes of each direction ("half") of a TCP connection in order. Segments may arrive late, twice,
 * cut differently, overlapping or not at all. If copies differ, the first one wins.
 *
 * Bytes that continue the stream are passed on in place, without a copy or an allocation. Bytes after a
 * hole are copied and held until the hole closes or is given up. A hole is given up when:
 * - the receiver acknowledged past it: the bytes took another path and will not be sent again;
 * - the half holds `maxOutOfOrderBytes` or `MAX_HELD_RANGES` ranges, or all halves hold `maxTotalBytes`.
 *
 * The reassembler then calls `onGap`, and the stream continues with the first bytes present.
 *
 * Invariant between calls: every held byte lies after the next byte of its stream (which is missing), after
 * the highest acknowledgement, and before the FIN.
 *
 * @module
 */
import { HalfStreams, REACH_BYTES } from './half-streams.js';
import { HeldBudget, type HeldWork } from './held-budget.js';
import { HeldBytes } from './held-bytes.js';
import {
  HOLE_COUNTERS,
  newReassemblyCounters,
  type HoleCause,
  type ReassemblyCounters,
} from './reassembly-counters.js';
import { sequenceAdd, sequenceDistance, sequenceEarlier } from './sequence.js';

/** A quarter of the 64 KiB initial window of a control connection, whose lines are short. */
export const DEFAULT_MAX_OUT_OF_ORDER_BYTES = 16_384;
/** Enough for 3,800 halves with full buffers, or 21,000 with one segment each. */
export const DEFAULT_MAX_TOTAL_BYTES = 64 * 2 ** 20;

/**
 * Receives the bytes. A sink may call `forget` and `begin` for any half, including the half of the current
 * callback. Nothing more of that half's old stream is passed on then, neither the rest of the current
 * segment nor held bytes. A sink must not call `receive` or `acknowledge`; they throw if the call would do
 * harm.
 */
export interface ByteSink {
  /**
   * The next bytes, `[start, end)`. `sequence` is the sequence number of the first. Borrowed: read them
   * before you return.
   */
  onBytes(half: number, bytes: Buffer, start: number, end: number, sequence: number): void;
  /**
   * The following bytes do not continue the previous ones. If a half starts mid-stream, there are no
   * previous ones.
   */
  onGap(half: number): void;
}

export interface ReassemblerOptions {
  /** Number of halves, two for each flow. */
  readonly halves: number;
  /** Maximum out-of-order bytes of one half. */
  readonly maxOutOfOrderBytes?: number;
  /** Maximum memory for out-of-order bytes of all halves, bookkeeping included. */
  readonly maxTotalBytes?: number;
}

const NONE = -1;

export class Reassembler {
  readonly counters: ReassemblyCounters = newReassemblyCounters();
  readonly #sink: ByteSink;
  readonly #streams: HalfStreams;
  /** Contains only halves that hold bytes. */
  readonly #held = new Map<number, HeldBytes>();
  readonly #budget: HeldBudget;
  /**
   * The half whose segment or acknowledgement is being processed; reset to `NONE` if the sink ends that
   * half.
   */
  #reading = NONE;

  constructor(options: ReassemblerOptions, sink: ByteSink) {
    this.#sink = sink;
    this.#streams = new HalfStreams(options.halves);
    this.#budget = new HeldBudget({
      maxHalfBytes: options.maxOutOfOrderBytes ?? DEFAULT_MAX_OUT_OF_ORDER_BYTES,
      maxTotalBytes: options.maxTotalBytes ?? DEFAULT_MAX_TOTAL_BYTES,
    });
  }

  /** Memory in use for out-of-order bytes, in bytes. */
  get heldMemory(): number {
    return this.#budget.reserved;
  }

  /** The work caused by out-of-order segments so far. */
  get heldWork(): Readonly<HeldWork> {
    return this.#budget.work;
  }

  /** Returns whether the half has begun: by `begin`, or mid-stream by its first segment with payload. */
  begun(half: number): boolean {
    return this.#streams.begun(half);
  }

  /** Returns whether the half began right after the SYN with this sequence number. */
  beganAt(half: number, syn: number): boolean {
    return this.begun(half) && this.#streams.initial(half) === sequenceAdd(syn, 1);
  }

  /**
   * Returns the sequence number expected of the half's next segment; `undefined` if the half has not begun.
   */
  next(half: number): number | undefined {
    return this.begun(half) ? this.#streams.expected(half) : undefined;
  }

  /** Begins a stream whose first byte has this sequence number. Drops the half's previous state. */
  begin(half: number, sequence: number): void {
    this.#interrupt(half);
    this.#open(half, sequence);
  }

  /** Drops all state of a half. Does nothing if the half has not begun. */
  forget(half: number): void {
    this.#interrupt(half);
    this.#dropHeld(half);
    this.#streams.close(half);
  }

  /**
   * Processes a segment, which may be empty (`start` = `end`). A half that has not begun starts with its
   * first segment with payload.
   *
   * @param sequence sequence number of the byte at `start`; for a SYN, that of the byte after it
   * @param bytes borrowed; only bytes that must be held are copied
   */
  receive(half: number, sequence: number, bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (start === end && !fin) return;
    if (this.#streams.continues(half, sequence) && !fin) {
      this.#pass(half, bytes, start, end);
      return;
    }
    this.#enter(half);
    try {
      if (!this.#admit(half, sequence, end - start)) return;
      if (fin) this.#learnFin(half, sequenceAdd(sequence, end - start));
      if (start < end) this.#place(half, sequence, bytes, start, end);
    } finally {
      this.#reading = NONE;
    }
  }

  /** Records that the receiver of this half has every byte before `acknowledgment`. */
  acknowledge(half: number, acknowledgment: number): void {
    if (!this.begun(half)) return;
    if (this.#streams.ahead(half, acknowledgment) > REACH_BYTES) {
      this.counters.strayAcknowledgments++;
      return;
    }
    if (!this.#streams.acknowledge(half, acknowledgment) || !this.#streams.holding(half)) return;
    this.#enter(half);
    try {
      this.#giveUpAcknowledged(half);
    } finally {
      this.#reading = NONE;
    }
  }

  /**
   * Returns whether a segment belongs to the stream, judged by its sequence number. If the stream has
   * moved, the half restarts at the segment.
   */
  #admit(half: number, sequence: number, length: number): boolean {
    if (!this.begun(half)) {
      if (length === 0) return false;
      this.counters.midStreamStarts++;
      return this.#startMidStream(half, sequence);
    }
    const position = this.#streams.locate(half, sequence);
    if (position === 'in-reach') return true;
    this.counters.strays++;
    if (position === 'stray' || length === 0) return false;
    this.counters.restarts++;
    return this.#startMidStream(half, sequence);
  }

  #startMidStream(half: number, sequence: number): boolean {
    this.#open(half, sequence);
    this.#lose(half);
    return this.#reading === half;
  }

  #open(half: number, sequence: number): void {
    this.#dropHeld(half);
    this.#streams.open(half, sequence);
  }

  /**
   * The first FIN that is not behind the stream ends it. Held bytes after the FIN are not part of the
   * stream.
   */
  #learnFin(half: number, fin: number): void {
    if (!this.#streams.learnFin(half, fin)) return;
    const held = this.#heldBytes(half);
    held?.truncate(fin);
    if (held?.bytes === 0) this.#dropHeld(half);
  }

  #place(half: number, sequence: number, bytes: Buffer, start: number, end: number): void {
    const stop = Math.min(end, start + this.#streams.bytesToFin(half, sequence));
    if (stop <= start) this.counters.afterFin++;
    else if (this.#streams.ahead(half, sequence) > 0) this.#hold(half, sequence, bytes, start, stop);
    else this.#read(half, sequence, bytes, start, stop);
  }

  /** Reads a segment that begins at or before the stream's next byte. */
  #read(half: number, sequence: number, bytes: Buffer, start: number, end: number): void {
    let at = start + sequenceDistance(sequence, this.#streams.next(half));
    if (at >= end) this.counters.duplicates++;
    while (at < end) {
      // Held bytes arrived before this copy, so they win.
      const toHeld = this.#bytesToHeld(half);
      if (toHeld > 0) this.#pass(half, bytes, at, Math.min(end, at + toHeld));
      this.#passHeld(half);
      if (this.#reading !== half) return;
      at = start + sequenceDistance(sequence, this.#streams.next(half));
    }
  }

  /**
   * Holds a segment that begins after the stream's next byte, or gives up holes until the segment can be
   * read.
   */
  #hold(half: number, sequence: number, bytes: Buffer, start: number, end: number): void {
    while (this.#streams.ahead(half, sequence) > 0) {
      const cause = this.#tryHold(half, sequence, bytes.subarray(start, end));
      if (cause === undefined) return;
      this.#giveUp(half, sequence, cause);
      if (this.#reading !== half) return;
    }
    this.#read(half, sequence, bytes, start, end);
  }

  /** Returns why the hole before the segment must be given up; `undefined` if the segment is held. */
  #tryHold(half: number, sequence: number, segment: Buffer): HoleCause | undefined {
    if (this.#streams.acknowledgedTo(half, sequence)) return 'acknowledged';
    const held = this.#heldBytes(half) ?? new HeldBytes(this.#budget);
    const outcome = held.hold(sequence, segment);
    if (outcome === 'duplicate') {
      this.counters.duplicates++;
      return undefined;
    }
    if (outcome !== 'held') return outcome;
    this.counters.heldSegments++;
    this.#held.set(half, held);
    this.#streams.setHolding(half, true);
    return undefined;
  }

  #giveUpAcknowledged(half: number): void {
    for (;;) {
      const held = this.#heldBytes(half);
      if (held === undefined || !this.#streams.acknowledgedTo(half, held.front)) return;
      this.#giveUp(half, held.front, 'acknowledged');
    }
  }

  /**
   * Continues with the first bytes after the hole: the held ones, or those at `sequence` if they come
   * earlier.
   */
  #giveUp(half: number, sequence: number, cause: HoleCause): void {
    const held = this.#heldBytes(half);
    this.#streams.moveTo(half, held === undefined ? sequence : sequenceEarlier(held.front, sequence));
    this.counters[HOLE_COUNTERS[cause]]++;
    this.#lose(half);
    this.#passHeld(half);
  }

  #lose(half: number): void {
    this.counters.gaps++;
    this.#sink.onGap(half);
  }

  /** Passes on held bytes that are next, if any. There are none if the sink has ended the half. */
  #passHeld(half: number): void {
    const held = this.#heldBytes(half);
    if (held?.front !== this.#streams.next(half)) return;
    const { bytes, start, end } = held.takeFront();
    if (held.bytes === 0) this.#dropHeld(half);
    this.#pass(half, bytes, start, end);
  }

  /** Passes on the next bytes. Updates the state before calling the sink, so that the sink may change it. */
  #pass(half: number, bytes: Buffer, start: number, end: number): void {
    const sequence = this.#streams.next(half);
    this.#streams.moveTo(half, sequenceAdd(sequence, end - start));
    this.counters.bytes += end - start;
    this.#sink.onBytes(half, bytes, start, end, sequence);
  }

  #bytesToHeld(half: number): number {
    const held = this.#heldBytes(half);
    return held === undefined ? Infinity : this.#streams.ahead(half, held.front);
  }

  #heldBytes(half: number): HeldBytes | undefined {
    return this.#streams.holding(half) ? this.#held.get(half) : undefined;
  }

  #dropHeld(half: number): void {
    const held = this.#heldBytes(half);
    if (held === undefined) return;
    held.release();
    this.#held.delete(half);
    this.#streams.setHolding(half, false);
  }

  #enter(half: number): void {
    if (this.#reading !== NONE) throw new Error('a byte sink must not call receive or acknowledge');
    this.#reading = half;
  }

  #interrupt(half: number): void {
    if (half === this.#reading) this.#reading = NONE;
  }
}
