/**
 * The log: one JSON object a line, or lines for people on a terminal. Writing to a pipe or file never blocks the packet
 * path: what a slow reader does not take within `LOG_BUFFER_BYTES` is dropped, whole lines, and when there is room again
 * a line tells how many. Without a reader the daemon goes on; one that comes later gets what is held, and what follows.
 * A terminal is written to at once.
 *
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import type { LogLevel } from './options.js';

export const LOG_BUFFER_BYTES = 4 * 1024 * 1024;
/** A reader that takes nothing more keeps the end of the process for so long. */
const END_WITHIN_MS = 1_000;

export interface Log {
  readonly logger: pino.Logger;
  /** Writes what is still held, as far as the reader takes it soon. Nothing may be logged after it. */
  end(): Promise<void>;
}

/** Logs to standard output: `time` is seconds since 1970, `event` names the kind of line. */
export async function openLog(level: LogLevel, terminal: boolean): Promise<Log> {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: () => `,"time":${((performance.timeOrigin + performance.now()) / 1000).toFixed(6)}`,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (terminal) {
    const { default: pretty } = await import('pino-pretty');
    const stream = pretty({
      sync: true,
      translateTime: false,
      customPrettifiers: { time: (time) => new Date(Number(time) * 1000).toISOString().slice(11, 23) },
      hideObject: true,
    });
    return { logger: pino(options, stream), end: () => Promise.resolve() };
  }
  const destination = pino.destination({ dest: 1, sync: false, maxLength: LOG_BUFFER_BYTES, retryEAGAIN });
  const logger = pino(options, destination);
  // Standard output without a reader (EPIPE) must not end the daemon.
  destination.on('error', () => undefined);
  reportLosses(logger, destination);
  return { logger, end: () => end(destination) };
}

type Destination = ReturnType<typeof pino.destination>;

/** A full pipe is tried again, until nobody waits for it any more. */
function retryEAGAIN(this: Destination): boolean {
}
