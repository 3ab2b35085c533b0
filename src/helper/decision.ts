/**
 * The decision record: what was announced on a control connection, and the outcome. Its JSON form is
 * part of the command line's contract (`replay --json`, the daemon's log), so its names and their order stay.
 *
 * @module
 */
import type { AnnouncementKind } from '../ftp/announcement.js';
import type { RefusalReason } from '../ftp/policy.js';
import { formatIpAddress, type IpAddress } from '../wire/ip-address.js';
import type { StreamEdit } from './nat/stream-edits.js';
import type { Reason } from './reasons.js';

/** Why an announcement was not expected although the policy allows it. */
export type Obstacle = Exclude<Reason, RefusalReason>;

/** The endpoint that the other side received instead of the announced one. A 229 names no address. */
export interface Rewritten {
  readonly address: IpAddress | undefined;
  readonly port: number;
  /** Which of the announcer's bytes are replaced, and by what. */
  readonly edit: StreamEdit;
}

const MICROSECONDS = 1_000_000;

export interface Decision {
  /** Frame number in a capture; packet id of the queue in the daemon. */
  readonly packet: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly client: IpAddress;
  readonly clientPort: number;
  readonly server: IpAddress;
  readonly serverPort: number;
  readonly announcement: AnnouncementKind;
  /** The announced endpoint, as far as it could be read. A 229 names no address: it is the server's own. */
  readonly address: IpAddress | undefined;
  readonly port: number | undefined;
  /** Absent if the data connection is expected. */
  readonly refusal: Reason | undefined;
}

export interface DecisionRecord {
  readonly packet: number;
  readonly time: number;
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly announcement: AnnouncementKind;
  readonly address?: string;
  readonly port?: number;
  readonly decision: 'expected' | 'refused';
  readonly reason?: Reason;
  readonly rewrittenAddress?: string;
  readonly rewrittenPort?: number;
}

/** The record in the form and order that docs/reference.md documents. */
export function decisionRecord(decision: Decision, rewritten?: Rewritten): DecisionRecord {
  const { address, port, refusal } = decision;
  return {
    packet: decision.packet,
    // To the microsecond, as captures have it: a double of this size is no more precise.
    time: Math.round(decision.time * MICROSECONDS) / MICROSECONDS,
    client: formatIpAddress(decision.client),
    clientPort: decision.clientPort,
    server: formatIpAddress(decision.server),
    serverPort: decision.serverPort,
    announcement: decision.announcement,
    ...(address === undefined ? {} : { address: formatIpAddress(address) }),
    ...(port === undefined ? {} : { port }),
    decision: refusal === undefined ? 'expected' : 'refused',
    ...(refusal === undefined ? {} : { reason: refusal }),
    ...(rewritten?.address === undefined ? {} : { rewrittenAddress: formatIpAddress(rewritten.address) }),
    ...(rewritten === undefined ? {} : { rewrittenPort: rewritten.port }),
  };
}
