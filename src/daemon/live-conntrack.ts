/**
 * The helper's port to connection tracking, over ctnetlink.
 *
 * @module
 */
import type {
  AdjustOutcome,
  Conntrack,
  Direction,
  ExpectOutcome,
  PlannedExpectation,
} from '../helper/conntrack.js';
import type { TrackedConnection } from '../helper/plan.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { PinholeBackend } from '../kernel/pinhole.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import type { Tuple } from '../wire/tuple.js';

/** Connections in conntrack zones are not tracked. */
const ZONE = 0;

export interface LiveConntrackParts {
  readonly table: Pick<ConntrackTable, 'find' | 'setMark' | 'adjustSequence'>;
  readonly pinholes: PinholeBackend;
  /** The connmark bits that keep a connection out of the queue. */
  readonly doneMark: number;
}

export class LiveConntrack implements Conntrack {
  readonly #parts: LiveConntrackParts;

  constructor(parts: LiveConntrackParts) {
    this.#parts = parts;
  }

  find(seen: Tuple): TrackedConnection | undefined {
    return this.#parts.table.find(seen);
  }

  expect(expectation: PlannedExpectation): ExpectOutcome {
    return this.#parts.pinholes.open({ ...expectation, zone: ZONE });
  }

  isExpected(tuple: Tuple): boolean {
    return this.#parts.pinholes.isOpen(tuple, ZONE);
  }

  cancel(expectation: PlannedExpectation): void {
    this.#parts.pinholes.close({ ...expectation, zone: ZONE });
  }

  adjustSequence(connection: Tuple, direction: Direction, to: SequenceAdjustment): AdjustOutcome {
    return this.#parts.table.adjustSequence(connection, direction, to);
  }

  release(connection: Tuple): void {
    const { table, doneMark } = this.#parts;
    table.setMark(connection, doneMark, doneMark);
  }
}
