/**
 * The log: one JSON object a line, or lines for people on a terminal. Writing to a pipe or file never blocks the packet
 * path and never ends the daemon: what a slow reader does not take within `LOG_BUFFER_CHARACTERS` is dropped, and the
 * log tells how many lines that were once it goes on. A terminal is written to at once.
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
/** At the end a reader that takes nothing more must not keep us for longer. */
const END_WITHIN_MS = 1_000;

export interface Log {
  readonly logger: pino.Logger;
  /** Takes a line, with its line end, that the logger of a worker has made. */
  readonly write: (line: string) => void;
  /** Waits until what was logged is written, though not for long. */
  end(): Promise<void>;
}

/** Logs to standard output: `time` is seconds since 1970, `event` names the kind of line. */
export function openLog(level: LogLevel, terminal: boolean): Log {
  const options = loggerOptions(level, null);
  if (terminal) return openTerminalLog(options);
  const output = new LogOutput({
    descriptor: STANDARD_OUTPUT,
    capacity: LOG_BUFFER_CHARACTERS,
    onLosses: (lines) => {
      logger.warn({ event: 'log-lost', lines }, `${lines} lines of the log were lost: nobody took them`);
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

/** A terminal takes each line at once: Node writes to it synchronously. */
function openTerminalLog(options: pino.LoggerOptions): Log {
  const write = (line: string): void => {
    process.stdout.write(logText(JSON.parse(line) as LogRecord));
  };
  return { logger: pino(options, { write }), write, end: () => Promise.resolve() };
}

/** The logger of a worker: its lines tell which, and go to `output` for the main thread to write. */
export const openWorkerLog = (level: LogLevel, worker: number, output: pino.DestinationStream): pino.Logger =>
  pino(loggerOptions(level, { worker }), output);

/** @param base  what all of its lines have */
const loggerOptions = (level: LogLevel, base: Record<string, unknown> | null): pino.LoggerOptions => ({
  level,
  base,
  timestamp: () => `,"time":${now().toFixed(6)}`,
  formatters: { level: (label) => ({ level: label }) },
});
