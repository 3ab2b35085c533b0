/**
 * The interface of a pinhole back end. A pinhole lets in one connection that another connection announced. Each
 * back end makes pinholes in its own way (a conntrack expectation, an nft set …); callers do not depend on which.
 *
 * @module
 */
import type { ExpectationNat } from '../wire/expectation.js';
import type { Tuple } from '../wire/tuple.js';

/** One pinhole: its control connection, the connection to let in, and its lifetime. */
export interface Pinhole {
  /** Original tuple of the control connection, as conntrack has it. */
  readonly master: Tuple;
  /** Conntrack zone of the master; 0 unless zones are in use. */
  readonly zone: number;
  /** The connection to let in, with addresses as its initiator uses them. Source port 0: any port. */
  readonly tuple: Tuple;
  /** Seconds that it stays open unused; `undefined`: the back end's default. */
  readonly lifetime: number | undefined;
  /** NAT of the data connection; `undefined` if the control connection has none. */
  readonly nat: ExpectationNat | undefined;
}

/** Why a pinhole could not be opened, though all worked as it should: a person may be able to change it. */
export const PINHOLE_REFUSALS = {
  clash: 'Another connection already expects the announced endpoint.',
  'table-full':
    'The expectation table is full; raise net.netfilter.nf_conntrack_expect_max in the initial network namespace.',
  'master-gone': 'The control connection is not in the connection tracking table (any more).',
  'no-helper':
    'The control connection carries no helper; attach one in the raw table, see conntrack-ftp rules.',
} as const;
/** Use this in code, never the sentence. */
export type PinholeRefusal = keyof typeof PINHOLE_REFUSALS;

/** `refreshed`: it was already open for the same control connection, and its lifetime starts again. */
export type PinholeOutcome = 'opened' | 'refreshed' | PinholeRefusal;

/** A way of making pinholes. */
export interface PinholeBackend {
  /** Name for logs and findings, `ctnetlink`. */
  readonly name: string;
  /**
   * The pinhole is open when this returns. Throws a `ConntrackFtpError` for anything other than the documented
   * refusals.
   */
  open(pinhole: Pinhole): PinholeOutcome;
  /** Whether a pinhole of any control connection is open for a connection with this tuple. */
  isOpen(tuple: Tuple, zone: number): boolean;
  /** Returns false if it was not open: used, expired or never opened. */
  close(pinhole: Pinhole): boolean;
}
