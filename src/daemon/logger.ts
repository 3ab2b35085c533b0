/**
 * The log: one JSON object per line, or readable lines on a terminal. Writing to a pipe or file never blocks the packet
 * path and never ends the daemon. If the reader is too slow, lines beyond `LOG_BUFFER_CHARACTERS` are dropped, and a
 * later line reports how many. Lines to a terminal are written synchronously.
 *
 * @module
 */
import pino from 'pino';
import { now } from './clock.js';
import { logText, type LogRecord } from './log-text.js';
import { LogOutput } from './log-output.js';
import type { LogLevel } from './settings.js';

export const LOG_BUFFER_CHARACTERS = 4 * 1024 * 1024;
const STANDARD_OUTPUT = 1;
/** How long the daemon waits, at exit, for a reader that has stopped reading. */
const END_WITHIN_MS = 1_000;

export interface Log {
  readonly logger: pino.Logger;
  /** Takes one line of a worker's logger, including its line feed. */
  readonly write: (line: string) => void;
  /** Waits for the logged lines to be written, but not for long. */
  end(): Promise<void>;
}

/** Logs to standard output: `time` is in seconds since 1970, `event` names the kind of line. */
export function openLog(level: LogLevel, terminal: boolean): Log {
  const options = loggerOptions(level, null);
  if (terminal) return openTerminalLog(options);
  const output = new LogOutput({
    descriptor: STANDARD_OUTPUT,
    capacity: LOG_BUFFER_CHARACTERS,
    onLosses: (lines) => {
      logger.warn({ event: 'log-lost', lines }, `dropped ${lines} log lines: the reader was too slow`);
    },
  });
  const logger: pino.Logger = pino(options, output);
  return {
    logger,
    write: (line) => {
      output.write(line);
    },
    end: () => output.end(END_WITHIN_MS),
  };
}

/** Needs no buffer: Node writes to a terminal synchronously. */
function openTerminalLog(options: pino.LoggerOptions): Log {
  const write = (line: string): void => {
    process.stdout.write(logText(JSON.parse(line) as LogRecord));
  };
  return { logger: pino(options, { write }), write, end: () => Promise.resolve() };
}

/** The logger of a worker: its lines carry the worker's number and go to `output`, for the main thread to write. */
export const openWorkerLog = (level: LogLevel, worker: number, output: pino.DestinationStream): pino.Logger =>
  pino(loggerOptions(level, { worker }), output);

/** @param base  fields of every line */
const loggerOptions = (level: LogLevel, base: Record<string, unknown> | null): pino.LoggerOptions => ({
  level,
  base,
  timestamp: () => `,"time":${now().toFixed(6)}`,
  formatters: { level: (label) => ({ level: label }) },
});
