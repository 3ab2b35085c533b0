/**
 * The public API of `conntrack-ftp`. What this file does not export is internal and may change in any release.
 *
 * @module
 */
/// <reference types="node" preserve="true" />

export { FtpHelper, type FtpHelperOptions, type PacketView } from './helper/ftp-helper.js';
export type {
  AdjustOutcome,
  Conntrack,
  Direction,
  ExpectOutcome,
  PlannedExpectation,
} from './helper/conntrack.js';
export type { HelperEvents } from './helper/events.js';
export type { Verdict } from './helper/nat/verdict.js';
export {
  decisionRecord,
  type Decision,
  type DecisionRecord,
  type Obstacle,
  type Rewritten,
} from './helper/decision.js';
export type { ReleaseCause } from './helper/effect.js';
export type { HelperCounters, LimitCounters } from './helper/counters.js';
export type { Connection, ExpectedConnection, TrackedConnection } from './helper/plan.js';
export {
  DEFAULT_POLICY,
  KERNEL_POLICY,
  type Policy,
  type PortRange,
  type RefusalReason,
} from './ftp/policy.js';
export { REASON_TABLE, type Reason, type ReasonRow } from './helper/reasons.js';
export type { AnnouncementKind } from './ftp/announcement.js';

export { CAPTURE_FAULTS, CaptureReader, type CaptureFault, type CaptureFrame } from './capture/capture.js';
export { findIpPacket, type LinkFault } from './capture/link-layer.js';

export { openNetlinkSocket, openPacketQueue, type OpenQueueOptions } from './kernel/open.js';
export type { PacketQueue, PacketQueueListener } from './kernel/packet-queue.js';
export type { NetlinkSocket } from './kernel/netlink-socket.js';
export { ConntrackTable } from './kernel/conntrack-table.js';
export { CtnetlinkPinholes } from './kernel/expectations.js';
export type { ConntrackEntry } from './wire/conntrack.js';
export type { ExpectationNat } from './wire/expectation.js';

export { formatIpAddress, parseIpAddress, type IpAddress } from './wire/ip-address.js';
export { formatTuple, invertTuple, sameTuple, type Tuple } from './wire/tuple.js';
export type { SequenceAdjustment } from './wire/seqadj.js';

export {
  CaptureError,
  ConntrackFtpError,
  MissingError,
  NetlinkMalformed,
  NetlinkRejected,
  NotPermittedError,
  SystemCallError,
  type ErrorCode,
} from './errors.js';
