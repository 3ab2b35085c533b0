/**
 * Formats a log record as a line for a terminal:
 *
 *     2026-11-30T06:12:00.123Z info  10.1.0.2:39758 > 10.2.0.2:21  227 10.2.0.2 port 30584 from server 10.2.0.2: expected
 *
 * Part of the text comes from peers. Characters that control a terminal, or that it does not show, are escaped.
 *
 * @module
 */
import { formatEndpoint } from '../wire/ip-address.js';

/** The fields of a record that the line shows. */
export interface LogRecord {
  /** Seconds since 1970. */
  readonly time: number;
  readonly level: string;
  readonly msg?: string;
  /** The two ends of the control connection, in lines about its announcements. */
  readonly client?: string;
  readonly clientPort?: number;
  readonly server?: string;
  readonly serverPort?: number;
  readonly err?: { readonly stack?: string };
}

const MS = 1_000;
const HEX = 16;
/** Length of the longest level, `error`. */
const LEVEL_COLUMNS = 5;

/** Control characters, format characters (including bidirectional ones), line separators and unpaired surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Returns `text` with `\u{1b}` in place of an escape character, and so on. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(HEX)}}`);

/** Returns one line with its line feed, followed by the stack of an error, one line per call. */
export function logText(record: LogRecord): string {
  const { time, level, msg = '', err } = record;
  const head = `${new Date(time * MS).toISOString()} ${level.padEnd(LEVEL_COLUMNS)} `;
  const stack = err?.stack?.split('\n').map((call) => `    ${call.trim()}`) ?? [];
  return [`${head}${connection(record)}${msg}`, ...stack].map((line) => `${printable(line)}\n`).join('');
}

/** Returns `10.1.0.2:39758 > 10.2.0.2:21  `, or nothing if the record is not about a control connection. */
function connection({ client, clientPort, server, serverPort }: LogRecord): string {
  if (client === undefined || clientPort === undefined) return '';
  if (server === undefined || serverPort === undefined) return '';
  return `${formatEndpoint(client, clientPort)} > ${formatEndpoint(server, serverPort)}  `;
}
