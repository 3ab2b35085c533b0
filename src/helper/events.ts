/**
 * What happened to a connection because of its packets: for a log, a metric or a replay. The helper calls these
 * synchronously, before it returns the packet's verdict.
 *
 * @module
 */
import type { ConntrackFtpError } from '../errors.js';
import type { Tuple } from '../wire/tuple.js';
import type { Decision, Rewritten } from './decision.js';
import type { ReleaseCause } from './effect.js';
import type { ExpectedConnection } from './plan.js';

export interface HelperEvents {
  /** An announcement was expected or refused; `told` is the endpoint that NAT wrote into it. */
  decision(decision: Decision, told?: Rewritten): void;
  /** Nothing more of the connection is read; `failure` is why conntrack could not be told so. */
  released(connection: Tuple, cause: ReleaseCause, failure?: ConntrackFtpError): void;
  /** An expectation was taken back, because its announcement is forwarded unchanged. */
  withdrawn(announcement: Decision): void;
  /** The host refused an expectation, or its removal, for an unnamed reason. */
  rejected(expected: ExpectedConnection, error: ConntrackFtpError): void;
}
