/**
 * The one fake of connection tracking, for tests of the helper, the fuzzers and the benchmark in memory: it answers as it is
 * told, and keeps what it was asked. Beside it, the events of a helper as a record.
 *
 * @module
 */
import type { ConntrackFtpError } from '../../src/errors.js';
import type {
  AdjustOutcome,
  Conntrack,
  Direction,
  ExpectOutcome,
  PlannedExpectation,
} from '../../src/helper/conntrack.js';
import type { Decision, Rewritten } from '../../src/helper/decision.js';
import type { ReleaseCause } from '../../src/helper/effect.js';
import type { HelperEvents } from '../../src/helper/events.js';
import type { ExpectedConnection, TrackedConnection } from '../../src/helper/plan.js';
import type { SequenceAdjustment } from '../../src/wire/seqadj.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';

export type Lookup = (seen: Tuple) => TrackedConnection | undefined;

/** No NAT, and servers listen on `ports`; each connection asked for is a new one, from number 7 on. */
export function lookupByPort(ports: readonly number[] = [21]): Lookup {
  let id = 6;
  return (seen) => {
    id += 1;
    const original = ports.includes(seen.destinationPort) ? seen : invertTuple(seen);
    return { original, reply: invertTuple(original), id };
  };
}

export class FakeConntrack implements Conntrack {
  /** Expectations asked for, refused ones too. */
  readonly asked: PlannedExpectation[] = [];
  readonly cancelled: PlannedExpectation[] = [];
  readonly released: Tuple[] = [];
  /** Every adjustment asked for, the ones that change nothing too. */
  readonly adjustments: { readonly direction: Direction; readonly value: SequenceAdjustment }[] = [];
  /** What is asked of the kernel for an expectation. */
  expecting: (expectation: PlannedExpectation) => ExpectOutcome = () => 'opened';
  adjusting: () => AdjustOutcome = () => 'adjusted';
  /** Whether expectations that were made are still there. */
  stillExpected = true;
  readonly #lookup: Lookup;

  constructor(lookup: Lookup = lookupByPort()) {
    this.#lookup = lookup;
  }

  find(seen: Tuple): TrackedConnection | undefined {
    return this.#lookup(seen);
  }

  expect(expectation: PlannedExpectation): ExpectOutcome {
    this.asked.push(expectation);
    return this.expecting(expectation);
  }

  isExpected(): boolean {
    return this.stillExpected;
  }

  cancel(expectation: PlannedExpectation): void {
    this.cancelled.push(expectation);
  }

  adjustSequence(_connection: Tuple, direction: Direction, value: SequenceAdjustment): AdjustOutcome {
    this.adjustments.push({ direction, value });
    return this.adjusting();
  }

  release(connection: Tuple): void {
    this.released.push(connection);
  }
}

export class RecordedEvents implements HelperEvents {
  readonly decisions: { readonly decision: Decision; readonly told: Rewritten | undefined }[] = [];
  readonly releases: { readonly connection: Tuple; readonly cause: ReleaseCause }[] = [];
  /** Decisions and releases in the order in which they came. */
  readonly order: ('decision' | ReleaseCause)[] = [];
  readonly withdrawals: Decision[] = [];
  readonly rejections: { readonly expected: ExpectedConnection; readonly error: ConntrackFtpError }[] = [];

  decision(decision: Decision, told?: Rewritten): void {
    this.order.push('decision');
    this.decisions.push({ decision, told });
  }

  released(connection: Tuple, cause: ReleaseCause): void {
    this.order.push(cause);
    this.releases.push({ connection, cause });
  }

  withdrawn(announcement: Decision): void {
    this.withdrawals.push(announcement);
  }

  rejected(expected: ExpectedConnection, error: ConntrackFtpError): void {
    this.rejections.push({ expected, error });
  }
}
