/**
 * The reasons of refusals for the person who reads the log: what was seen, what to do, and the option that helps.
 *
 * @module
 */
import { REASON_TABLE, type Liftable, type Reason } from '../helper/reasons.js';

/** The option that changes each part of the policy, and each limit, that a refusal can name. */
export const LIFTING_OPTIONS: Readonly<Record<Liftable, string>> = {
  strictLineEnds: '--policy kernel',
  pairReplies: '--policy kernel',
  requireFtp: '--policy kernel',
  honourEpsvAll: '--policy kernel',
  minPort: '--policy kernel',
  allowedAddresses: '--allow-address',
  passivePorts: '--passive-ports',
  expectationsPerClient: '--max-expectations-per-client',
};

/** What to do about a refusal, as sentences; empty if there is nothing. */
export function remedyOf(reason: Reason): string {
  const { remedy, liftedBy } = REASON_TABLE[reason];
  const option = liftedBy === undefined ? [] : [`Option: ${LIFTING_OPTIONS[liftedBy]}.`];
  return [...(remedy === undefined ? [] : [remedy]), ...option].join(' ');
}

const entries = Object.keys(REASON_TABLE).map((name): [string, string] => {
  const reason = name as Reason;
  return [reason, `${REASON_TABLE[reason].sentence} ${remedyOf(reason)}`.trimEnd()];
});

/** Sentence and remedy of each reason. */
export const REASONS = Object.fromEntries(entries) as Readonly<Record<Reason, string>>;
