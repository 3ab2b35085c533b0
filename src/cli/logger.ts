/**
 * The log: one JSON object a line, or lines for people on a terminal. Writing to a pipe or file never blocks the packet
 * path: what a slow reader does not take within `LOG_BUFFER_BYTES` is dropped. A terminal is written to at once.
 *
 * @module
 */
import pino from 'pino';
import type { LogLevel } from './options.js';

export const LOG_BUFFER_BYTES = 4 * 1024 * 1024;

/** The part of pino that the commands use; `flush` writes what is still held, before the process ends. */
export interface Log {
  readonly logger: pino.Logger;
  flush(): void;
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
    return { logger: pino(options, stream), flush: () => undefined };
  }
  // At the end a reader that takes nothing more must not keep us.
  let ending = false;
  const retryEAGAIN = (): boolean => !ending;
  const destination = pino.destination({ dest: 1, sync: false, maxLength: LOG_BUFFER_BYTES, retryEAGAIN });
  // A reader that goes away (EPIPE) must not end the daemon.
  destination.on('error', () => undefined);
  return {
    logger: pino(options, destination),
    flush: () => {
      ending = true;
      try {
        destination.flushSync();
      } catch {
        // Not open yet, or the reader has gone: there is nobody left to tell.
      }
    },
  };
}
