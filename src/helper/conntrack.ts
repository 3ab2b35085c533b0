/**
 * What the helper needs of connection tracking: one port, synchronous, so that whatever a packet causes in the kernel is
 * done before that packet's verdict. The daemon implements it over ctnetlink, `replay` by a capture, tests by a fake.
 *
 * Each method may throw a `ConntrackFtpError` if the host fails. An error of `find` leaves `FtpHelper.onPacket`; all other
 * errors become refusals or drops, and are reported by `HelperEvents`.
 *
 * @module
 */
import type { ExpectationNat } from '../wire/expectation.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import type { Tuple } from '../wire/tuple.js';
import type { TrackedConnection } from './plan.js';
import type { ExpectationRefusal } from './reasons.js';

/** What conntrack calls the two directions of a connection. */
export type Direction = 'original' | 'reply';

/** An expectation, named by its master and its tuple. */
export interface PlannedExpectation {
  /** The control connection's original tuple. */
  readonly master: Tuple;
  /** Who may connect and where, as that peer addresses it. Source port 0: from any port. */
  readonly tuple: Tuple;
  /** Seconds that it lives unused; `undefined`: as long as the carrier helper's policy says. */
  readonly lifetime: number | undefined;
  /** How the data connection follows its master's NAT (CTA_EXPECT_NAT). */
  readonly nat: ExpectationNat | undefined;
}

/** `refreshed`: the expectation was there already, for the same master, and its lifetime began again. */
export type ExpectOutcome = 'opened' | 'refreshed' | Exclude<ExpectationRefusal, 'kernel-refused'>;

/** `no-room`: the entry has no sequence adjustment extension, and the kernel silently did nothing. */
export type AdjustOutcome = 'adjusted' | 'no-room' | 'gone';

export interface Conntrack {
  /** Returns the connection of which `seen` is one direction, or `undefined` if conntrack does not know it. */
  find(seen: Tuple): TrackedConnection | undefined;
  /** The expectation is in force when this returns `opened` or `refreshed`. */
  expect(expectation: PlannedExpectation): ExpectOutcome;
  /** Whether anybody's expectation waits for a connection of this tuple. */
  isExpected(tuple: Tuple): boolean;
  /** Takes an expectation back; does nothing if it was used or has expired. */
  cancel(expectation: PlannedExpectation): void;
  /** Sets the sequence adjustment of one direction, and sees that it is in force. */
  adjustSequence(connection: Tuple, direction: Direction, to: SequenceAdjustment): AdjustOutcome;
  /** The helper reads nothing more of this connection: its packets need not be queued. */
  release(connection: Tuple): void;
}
