/**
 * The events of the log and the counters of `stopped`, as the reference documents them. Their names and fields are a
 * contract with those who read the log.
 *
 * @module
 */
import type { HelperCounters, LimitCounters } from '../helper/counters.js';

export interface EventRow {
  readonly levels: readonly ('debug' | 'info' | 'warn' | 'error')[];
  /** What happened: sentences. */
  readonly when: string;
  /** Beside `level`, `time`, `event`, `msg`, and `worker` if there are several. */
  readonly fields: readonly string[];
}

export const EVENTS = {
  ready: {
    levels: ['info'],
    when: 'The queue is bound; with several workers, all queues are. `anchor` names the carrier helpers.',
    fields: ['pid', 'queue', 'workers', 'queues', 'ports', 'anchor', 'backend'],
  },
  decision: {
    levels: ['info', 'warn'],
    when: 'An announcement was expected (info) or refused (warn).',
    fields: ['the decision record without `time`'],
  },
  withdrawn: {
    levels: ['warn'],
    when: 'An announcement is forwarded unchanged because its rewrite failed; its expectation is removed.',
    fields: ['the decision record without `time` and `decision`'],
  },
  suppressed: {
    levels: ['warn'],
    when: '`--log-rate` suppressed this many log lines.',
    fields: ['lines'],
  },
  released: {
    levels: ['info', 'warn'],
    when:
      'A connection is no longer read: `cause` is `encrypted` or `not-ftp`. ' +
      'The level is warn if it could not be marked and so stays in the queue.',
    fields: ['connection', 'cause', 'errno'],
  },
  'pinhole-failed': {
    levels: ['error'],
    when: 'The kernel refused an expectation with an errno that is not a reason of its own.',
    fields: ['master', 'expected', 'errno'],
  },
  withheld: {
    levels: ['debug'],
    when: 'A segment was dropped so that its sender retransmits it.',
    fields: ['packet', 'cause'],
  },
  unread: {
    levels: ['warn'],
    when: 'A packet was forwarded unread because a request to the kernel failed.',
    fields: ['errno'],
  },
  defect: {
    levels: ['error'],
    when: 'A packet was forwarded unread because of a bug in the daemon. Please report it.',
    fields: ['err'],
  },
  overload: {
    levels: ['warn'],
    when: 'The receive buffer was full: packets were forwarded unread or, with `--when-full drop`, dropped.',
    fields: ['packets'],
  },
  'log-lost': {
    levels: ['warn'],
    when: 'The reader of the log was too slow, and this many lines were dropped.',
    fields: ['lines'],
  },
  unconfined: {
    levels: ['warn'],
    when: 'The daemon could not drop the privileges that it does not need.',
    fields: ['cause'],
  },
  'setting-refused': {
    levels: ['warn'],
    when: 'The kernel does not support a setting of the queue, such as fail-open.',
    fields: ['setting'],
  },
  'no-anchor': {
    levels: ['warn'],
    when: 'No carrier helper is usable for this address family: 4 or 6.',
    fields: ['family'],
  },
  'worker-died': {
    levels: ['error'],
    when: 'A worker died. Its queue is not read until the worker is restarted.',
    fields: ['worker', 'queue', 'cause', 'err'],
  },
  'worker-restarted': {
    levels: ['info'],
    when: 'A worker that had died reads its queue again.',
    fields: ['worker', 'queue'],
  },
  stopping: { levels: ['info'], when: 'A signal asked the daemon to stop.', fields: ['signal'] },
  stopped: {
    levels: ['info'],
    when: 'The daemon has stopped.',
    fields: ['the counters since the start'],
  },
} as const satisfies Readonly<Record<string, EventRow>>;

/** Counters that are neither the helper's nor those of its limits. */
type ReaderCounter = 'queueOverruns' | 'queueMalformed' | 'eventOverruns' | 'linesSuppressed' | 'defects';

/** What each field of `stopped` counts. */
export const COUNTERS: Readonly<Record<keyof HelperCounters | keyof LimitCounters | ReaderCounter, string>> =
  {
    packets: 'packets received from the queue',
    unreadable: 'packets that are no whole TCP segment: other protocols, fragments, malformed headers',
    cut: 'packets of which the kernel delivered only a part',
    connections: 'control connections seen from their SYN',
    midStream: 'control connections picked up mid-stream',
    otherConnections: 'packets to no FTP port, or of connections that conntrack does not know',
    lines: 'complete lines, both directions',
    expected: 'announcements for which an expectation was made',
    refused: 'announcements that were refused',
    encrypted: 'connections released because of AUTH',
    notFtp: 'connections released because they do not carry FTP',
    rewritten: 'packets forwarded with another endpoint',
    withheld: 'packets dropped so that their sender retransmits them',
    withdrawn: 'expectations removed because the announcement was forwarded unchanged',
    linesTooLong: 'lines longer than 2048 bytes',
    linesWithNul: 'lines that contain a NUL byte',
    linesWithBareLineFeed: 'lines that end with an LF without CR',
    unfinishedLinesDropped: 'unfinished lines dropped because all of them together were too large',
    commandsForgotten: 'times that a client pipelined more commands than are remembered',
    connectionsDisplaced: 'connections evicted by the limit of all connections',
    connectionsDisplacedByOwn: 'connections evicted by the limit per client',
    holesPastAcknowledgment: 'holes skipped because their receiver has acknowledged the bytes',
    holesPastBytes: 'holes skipped because the stream held too many out-of-order bytes',
    holesPastRanges: 'holes skipped because the stream held too many out-of-order ranges',
    holesPastTotal: 'holes skipped because all streams together held too many out-of-order bytes',
    segmentsOutOfReach: 'segments ignored because their sequence number is too far away',
    streamsMoved: 'streams resynchronised because their segments kept arriving at other sequence numbers',
    queueOverruns: 'times that the receive buffer of the queue was full',
    queueMalformed: 'malformed messages from the queue',
    eventOverruns: 'times that conntrack events were lost',
    linesSuppressed: 'log lines suppressed by `--log-rate`',
    defects: 'bugs of the daemon that a packet met',
  };
