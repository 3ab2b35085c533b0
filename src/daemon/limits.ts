/**
 * What the reader of one queue may hold and log. The limits apply to the whole daemon: with several workers, each gets a
 * share. Connections are spread evenly, so no worker needs much more than its share.
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
  /** Attempts per second to create an expectation, per client. */
  readonly pinholeRequests: number;
  /** Lines per second. */
  readonly logLines: number;
  readonly outOfOrderBytes: number;
  readonly unfinishedLineBytes: number;
}

type Limited = Pick<
  RunOptions,
  'workers' | 'maxConnections' | 'maxConnectionsPerClient' | 'maxExpectationsPerClient' | 'logRate'
>;

/**
 * Returns the limits of one worker; workers are numbered from 1. Shares are rounded up, except for log lines: the log
 * lines of all workers together never exceed `logRate`. Connections are assigned in turn regardless of the client, so a
 * worker can get more than its share of one client: the limits per client allow four times the average deviation.
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
