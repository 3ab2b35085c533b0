/**
 * What the helper counts, by name. Counters only grow; whoever reports them takes the difference.
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
  /** Control connections seen from their beginning, and those picked up in the middle. */
  connections: number;
  midStream: number;
  /** Complete lines read, both directions. */
  lines: number;
  expected: number;
  refused: number;
  encrypted: number;
  notFtp: number;
  /** Packets that went on with another endpoint in them, and packets that did not go on, for their sender to send again. */
  rewritten: number;
  withheld: number;
  /** Expectations taken back because their announcements went on as they came after all. */
  withdrawn: number;
}

/** What the layers below count where a limit is reached or a stream is not as it should be. */
export interface LimitCounters {
  readonly linesTooLong: number;
  readonly linesWithNul: number;
  readonly linesWithBareLineFeed: number;
  /** Beginnings of lines given up because all of them together had grown too large. */
  readonly unfinishedLinesDropped: number;
  /** Times that more commands were sent ahead of their replies than are remembered. */
  readonly commandsForgotten: number;
  /** Connections that made room for newer ones. */
  readonly connectionsDisplaced: number;
  /** Connections that made room for newer ones of their own client. */
  readonly connectionsDisplacedByOwn: number;
  /** Packets of connections that conntrack does not know, or that are to no FTP port. */
  readonly otherConnections: number;
  /** Holes given up because their receiver has the bytes, or a limit was reached: bytes, ranges of a half, bytes of all. */
  readonly holesPastAcknowledgment: number;
  readonly holesPastBytes: number;
  readonly holesPastRanges: number;
  readonly holesPastTotal: number;
  readonly segmentsOutOfReach: number;
  /** Streams begun anew elsewhere, because their segments kept coming from there. */
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
