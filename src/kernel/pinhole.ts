/**
 * A pinhole: permission for one connection to come, because another one announced it. A back end makes pinholes
 * in its own way (a conntrack expectation, an nft set …); who asks for them does not know which.
 *
 * @module
 */
import type { ExpectationNat } from '../wire/expectation.js';
import type { Tuple } from '../wire/tuple.js';

/** The opening itself: whose it is, for whom, and how long. */
export interface Pinhole {
  /** The control connection's original tuple, as conntrack has it. */
  readonly master: Tuple;
  /** Conntrack zone of the master; 0 unless zones are in use. */
  readonly zone: number;
  /** Who may connect and where, as that peer addresses it. Source port 0: from any port. */
  readonly tuple: Tuple;
  /** Seconds it stays open unused; `undefined`: as long as the back end's own default. */
  readonly lifetime: number | undefined;
  /** How the data connection is translated, where its master is. */
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
/** Switch on this, never on its sentence. */
export type PinholeRefusal = keyof typeof PINHOLE_REFUSALS;

/** `refreshed`: it was open already, for the same control connection, and its lifetime began anew. */
export type PinholeOutcome = 'opened' | 'refreshed' | PinholeRefusal;

/** A way of making pinholes. */
export interface PinholeBackend {
  /** For logs and findings, `ctnetlink`. */
  readonly name: string;
  /** In force when it returns. Throws a `ConntrackFtpError` for what is none of the documented refusals. */
  open(pinhole: Pinhole): PinholeOutcome;
  /** Whether anybody's pinhole is open for a connection of this tuple. */
  isOpen(tuple: Tuple, zone: number): boolean;
  /** Answers false where it was not open (any more): used, expired or never opened. */
  close(pinhole: Pinhole): boolean;
}
