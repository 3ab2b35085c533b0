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

/** Why the kernel did not take a pinhole although everything worked. Each name is a reason of helper/reasons.ts. */
export type PinholeRefusal = 'clash' | 'table-full' | 'master-gone' | 'no-helper';

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
