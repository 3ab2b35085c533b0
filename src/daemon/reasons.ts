/**
 * What each reason of a refusal means to the person who reads the log, and what can be done where something can.
 *
 * @module
 */
import { REFUSAL_REASONS, type RefusalReason } from '../ftp/policy.js';
import type { Obstacle } from '../helper/decision.js';
import { PINHOLE_REFUSALS } from '../kernel/pinhole.js';

export const REASONS: Readonly<Record<RefusalReason | Obstacle, string>> = {
  ...REFUSAL_REASONS,
  ...PINHOLE_REFUSALS,
  'not-rewritable':
    'The connection is translated, and the announcement has telnet sequences in it, so that its place is not known.',
  'announcement-passed':
    'The connection is translated, and a part of the announcement had gone by before the rest came.',
  'too-many-rewrites':
    'The connection is translated, and too many rewritten announcements are unacknowledged; the client should wait for replies.',
  'no-sequence-adjustment':
    'The rewritten announcement has another length, and conntrack cannot shift the sequence numbers of this connection; attach the helper in the raw table, before translation (conntrack-ftp rules).',
  'client-limit':
    'The client has as many unused expectations as it may; --max-expectations-per-client permits more.',
  'too-many-announcements':
    'The client announced more in this second than is asked of the kernel for one client.',
  'kernel-refused': 'The kernel refused the expectation; the event pinhole-failed has its errno.',
};
