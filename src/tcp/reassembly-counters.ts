/**
 * The reassembler's counters over all halves. Counters only grow.
 *
 * @module
 */
import type { HoldRefusal } from './held-bytes.js';

export interface ReassemblyCounters {
  /** Bytes passed on. */
  bytes: number;
  /** Segments held, in whole or in part, because earlier bytes were missing. */
  heldSegments: number;
  /** Segments without a new byte: retransmissions, keep-alives. */
  duplicates: number;
  /** Segments after the FIN. */
  afterFin: number;
  /** Discontinuities in a stream: first segments mid-stream, and holes given up. */
  gaps: number;
  /** Halves whose beginning was not seen. */
  midStreamStarts: number;
  /** Ignored segments, too far from the stream's position. */
  strays: number;
  /** Ignored acknowledgements, too far ahead. */
  strayAcknowledgments: number;
  /** Streams restarted because segments kept arriving at another position. */
  restarts: number;
  /** Holes given up, by cause: the receiver has the bytes, or a limit is reached. */
  holesAcknowledged: number;
  holesHalfFull: number;
  holesTooManyRanges: number;
  holesAllFull: number;
}

/** Why the reassembler stopped waiting for missing bytes. */
export type HoleCause = 'acknowledged' | HoldRefusal;

/** The counter for each cause. */
export const HOLE_COUNTERS = {
  acknowledged: 'holesAcknowledged',
  'half-full': 'holesHalfFull',
  'too-many-ranges': 'holesTooManyRanges',
  'all-full': 'holesAllFull',
} as const satisfies Record<HoleCause, keyof ReassemblyCounters>;

export const newReassemblyCounters = (): ReassemblyCounters => ({
  bytes: 0,
  heldSegments: 0,
  duplicates: 0,
  afterFin: 0,
  gaps: 0,
  midStreamStarts: 0,
  strays: 0,
  strayAcknowledgments: 0,
  restarts: 0,
  holesAcknowledged: 0,
  holesHalfFull: 0,
  holesTooManyRanges: 0,
  holesAllFull: 0,
});
