/**
 * Why an announcement was not expected. One row for each reason: what was seen, what can be done about it, and which
 * parts of the policy or limits of the caller lift it. The names of the reasons are part of the log's contract.
 *
 * @module
 */
import type { Policy, RefusalReason } from '../ftp/policy.js';

/** Why the announcement of a connection under NAT could not be rewritten. */
export type RewriteRefusal =
  'not-rewritable' | 'announcement-passed' | 'too-many-rewrites' | 'no-sequence-adjustment';

/** Why conntrack did not take the expectation. */
export type ExpectationRefusal = 'clash' | 'table-full' | 'master-gone' | 'no-helper' | 'kernel-refused';

/** Which limit of the client was reached. */
export type ClientRefusal = 'client-limit' | 'too-many-announcements';

/** Every reason of a `decision` that is `refused`. Switch on this, never on a sentence. */
export type Reason = RefusalReason | RewriteRefusal | ExpectationRefusal | ClientRefusal;

/** What a user of the helper can change so that a refusal does not come again. */
export type Liftable =
  | keyof Pick<
      Policy,
      | 'strictLineEnds'
      | 'pairReplies'
      | 'requireFtp'
      | 'honourEpsvAll'
      | 'minPort'
      | 'allowedAddresses'
      | 'passivePorts'
    >
  | 'expectationsPerClient';

export interface ReasonRow {
  /** What was seen: a sentence. */
  readonly sentence: string;
  /** What to do about it: a sentence. */
  readonly remedy?: string;
  readonly liftedBy?: Liftable;
}

export const REASON_TABLE: Readonly<Record<Reason, ReasonRow>> = {
  malformed: { sentence: 'The announcement does not follow its grammar (RFC 959, RFC 1123, RFC 2428).' },
  'octet-out-of-range': { sentence: 'One of the six numbers is above 255.' },
  'port-out-of-range': { sentence: 'The port is 0 or above 65535.' },
  'family-mismatch': {
    sentence: 'The announced address and the control connection belong to different address families.',
    remedy: 'Use EPSV, or the same family for both.',
  },
  'address-mismatch': {
    sentence: 'The announced address does not belong to the host that announced it.',
    remedy: 'Allow the address if servers transfer to each other or if the host has several addresses.',
    liftedBy: 'allowedAddresses',
  },
  'privileged-port': { sentence: 'The port is below 1024.', liftedBy: 'minPort' },
  'passive-port-range': {
    sentence: 'The port is outside the configured range of passive ports.',
    remedy: 'Configure the same range here and on the server (pasv_min_port, pasv_max_port).',
    liftedBy: 'passivePorts',
  },
  'unsolicited-reply': {
    sentence: 'The 227 or 229 reply does not answer an outstanding PASV or EPSV.',
    liftedBy: 'pairReplies',
  },
  'too-many-commands': {
    sentence: 'The client pipelined too many commands, so the reply cannot be matched to its command.',
    remedy: 'Let the client wait for replies.',
  },
  'bare-line-feed': {
    sentence: 'The line follows, or ends with, an LF without CR, and may have been smuggled in.',
    remedy: 'A PORT without its CR is always refused.',
    liftedBy: 'strictLineEnds',
  },
  'line-too-long': { sentence: 'The line is longer than 2048 bytes.' },
  'nul-byte': { sentence: 'The line contains a NUL byte.' },
  'no-banner': {
    sentence: 'The client announced before the server had sent its greeting.',
    liftedBy: 'requireFtp',
  },
  'not-ftp': {
    sentence: 'The connection does not carry FTP: its first lines are no FTP command or no FTP reply.',
    liftedBy: 'requireFtp',
  },
  'epsv-all': {
    sentence: 'The client sent EPSV ALL and so promised to use only EPSV (RFC 2428 §4).',
    liftedBy: 'honourEpsvAll',
  },
  'not-rewritable': {
    sentence: 'The connection is under NAT, and telnet sequences hide the position of the announcement.',
  },
  'announcement-passed': {
    sentence:
      'The connection is under NAT, and a part of the announcement was forwarded before the rest arrived.',
  },
  'too-many-rewrites': {
    sentence: 'The connection is under NAT, and more than 16 rewritten announcements are unacknowledged.',
    remedy: 'Let the client wait for replies.',
  },
  'no-sequence-adjustment': {
    sentence:
      'The rewritten announcement has another length, and conntrack cannot adjust the sequence numbers of this connection.',
    remedy: 'Attach the carrier helper in the raw table, before NAT.',
  },
  clash: { sentence: 'Another connection already expects the announced endpoint.' },
  'table-full': {
    sentence: 'The expectation table is full.',
    remedy: 'Raise net.netfilter.nf_conntrack_expect_max in the initial network namespace.',
  },
  'master-gone': { sentence: 'The control connection is no longer in the connection tracking table.' },
  'no-helper': {
    sentence: 'The control connection carries no helper; it may have begun before the ruleset was applied.',
    remedy: 'Attach the carrier helper in the raw table.',
  },
  'kernel-refused': {
    sentence: 'The kernel refused the expectation; the event pinhole-failed has its errno.',
  },
  'client-limit': {
    sentence: 'The client has reached its limit of unused expectations.',
    liftedBy: 'expectationsPerClient',
  },
  'too-many-announcements': {
    sentence:
      'The client announced more in this second than the kernel is asked for on behalf of one client.',
  },
};
