/**
 * What the helper counts, by name. Counters only grow; a report takes the difference.
 *
 * @module
 */
export interface HelperCounters {
  /** Packets given to the helper. */
  packets: number;
  /** Packets that were not a readable, whole TCP segment: other protocols, fragments, faults. */
  unreadable: number;
  /** Packets of which the kernel or the capture gave only a part. */
  cut: number;
  /** Control connections seen from their beginning, and those picked up mid-stream. */
  connections: number;
  midStream: number;
  /** Complete lines read, both directions. */
  lines: number;
  expected: number;
  refused: number;
  encrypted: number;
  notFtp: number;
  /** Packets forwarded with another endpoint, and packets dropped so that their sender retransmits them. */
  rewritten: number;
  withheld: number;
  /** Expectations cancelled because their announcements were forwarded unchanged after all. */
  withdrawn: number;
}

/** Counters of the layers below, for reached limits and irregular streams. */
export interface LimitCounters {
  readonly linesTooLong: number;
  readonly linesWithNul: number;
  readonly linesWithBareLineFeed: number;
  /** Unfinished lines discarded because all of them together had grown too large. */
  readonly unfinishedLinesDropped: number;
  /** Times that more commands were pipelined than are remembered. */
  readonly commandsForgotten: number;
  /** Connections evicted for newer ones. */
  readonly connectionsDisplaced: number;
  /** Connections evicted for newer ones of the same client. */
  readonly connectionsDisplacedByOwn: number;
  /** Packets of connections that conntrack does not know, or to a port that is not an FTP port. */
  readonly otherConnections: number;
  /** Holes skipped because their receiver has the bytes, or a limit was reached: bytes, ranges of a half, bytes of all. */
  readonly holesPastAcknowledgment: number;
  readonly holesPastBytes: number;
  readonly holesPastRanges: number;
  readonly holesPastTotal: number;
  readonly segmentsOutOfReach: number;
  /** Streams resynchronized at another sequence number, because their segments kept coming from there. */
  readonly streamsMoved: number;
}

export const newHelperCounters = (): HelperCounters => ({
  packets: 0,
  unreadable: 0,
  cut: 0,
  connections: 0,
  midStream: 0,
  lines: 0,
  expected: 0,
  refused: 0,
  encrypted: 0,
  notFtp: 0,
  rewritten: 0,
  withheld: 0,
  withdrawn: 0,
});
