/**
 * What the reassembler counts, by name, for all halves together. Counters only grow.
 *
 * @module
 */
import type { HoldRefusal } from './held-bytes.js';

export interface ReassemblyCounters {
  /** Bytes passed on. */
  bytes: number;
  /** Segments held, whole or in part, because bytes before them were missing. */
  heldSegments: number;
  /** Segments of which every byte had been seen: retransmissions, keep-alives. */
  duplicates: number;
  /** Segments that lie after the FIN. */
  afterFin: number;
  /** Times that what followed did not continue what came before: first segments mid-stream, and holes given up. */
  gaps: number;
  /** Halves whose beginning was not seen. */
  midStreamStarts: number;
  /** Segments too far from where the stream is, ignored. */
  strays: number;
  /** Acknowledgements too far ahead, ignored. */
  strayAcknowledgments: number;
  /** Streams that were begun anew because segments kept coming from elsewhere. */
  restarts: number;
  /** Holes given up, by cause: the receiver has the bytes; or one of the limits is reached. */
  holesAcknowledged: number;
  holesHalfFull: number;
  holesTooManyRanges: number;
  holesAllFull: number;
}

/** Why the reassembler does not wait for missing bytes any longer. */
export type HoleCause = 'acknowledged' | HoldRefusal;

/** The counter of each cause. */
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
