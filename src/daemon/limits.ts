/**
 * What the reader of one queue may hold and log. The limits are the daemon's: where several workers read, each gets its
 * part of them. Connections are dealt out evenly, so no worker has use for much more than that.
 *
 * @module
 */
import { DEFAULT_MAX_TAIL_BYTES } from '../ftp/line-scanner.js';
import { DEFAULT_MAX_TOTAL_BYTES } from '../tcp/reassembler.js';
import type { RunOptions } from './settings.js';
import { MAX_EXPECT_ATTEMPTS } from '../helper/opener.js';

export interface ReaderLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
  readonly expectationsPerClient: number;
  /** Tries at a pinhole in a second, of one client. */
  readonly pinholeRequests: number;
  /** Lines a second. */
  readonly logLines: number;
  readonly outOfOrderBytes: number;
  readonly unfinishedLineBytes: number;
}

type Limited = Pick<
  RunOptions,
  'workers' | 'maxConnections' | 'maxConnectionsPerClient' | 'maxExpectationsPerClient' | 'logRate'
>;

/**
 * The limits of a worker, from 1. Rounded up, but for the lines of the log: those of all workers together are never
 * more than were asked for. Connections are dealt out in turn whoever has them, so of one client a worker can have more
 * than its part: there is room for four times what it is off by on average.
 */
export function readerLimits(options: Limited, worker: number): ReaderLimits {
  const { workers, logRate } = options;
  const part = (whole: number): number => Math.ceil(whole / workers);
  const ofClient = (whole: number): number =>
    Math.min(whole, part(whole) + Math.ceil(4 * Math.sqrt(whole / workers)));
  return {
    connections: part(options.maxConnections),
    connectionsPerClient: ofClient(options.maxConnectionsPerClient),
    expectationsPerClient: ofClient(options.maxExpectationsPerClient),
    pinholeRequests: part(MAX_EXPECT_ATTEMPTS),
    logLines: Math.floor(logRate / workers) + (worker <= logRate % workers ? 1 : 0),
    outOfOrderBytes: part(DEFAULT_MAX_TOTAL_BYTES),
    unfinishedLineBytes: part(DEFAULT_MAX_TAIL_BYTES),
  };
}
