/**
 * The part `scanner`: splits byte streams into lines and finds announcements, without packets. A naive reader
 * that finds the same announcements is measured beside it.
 *
 * @module
 */
import { Dialogues } from '../../src/ftp/dialogue.js';
import type { LineView } from '../../src/ftp/line-view.js';
import { LineScanner } from '../../src/ftp/line-scanner.js';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import { shareOf, type Column, type Comparison, type Figures, type Part, type Trial } from './trial.js';

export interface LineStream {
  readonly name: string;
  readonly title: string;
  /** GB/s that the scanner must reach. */
  readonly goal?: number;
  /** Bytes of a line, its end included. */
  readonly length: number;
  /** Bytes of a piece. */
  readonly piece: number;
}

/** The next bytes of a half, `[start, end)`. */
export interface Piece {
  readonly half: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const CLIENT = 0;
const SERVER = 1;
/** Lines of each of the two in a lap: one of them announces. */
const LINES = 100;
/** Which one; that of the server is an answer to PASV. */
const PORT_LINE = 0;
const PASSIVE_LINE = 50;

export const LINE_STREAMS: readonly LineStream[] = [
  { name: 'short', title: 'Lines of 32 bytes, a segment each', length: 32, piece: 32 },
  { name: 'text', title: 'Lines of 73 bytes, 20 in a segment', length: 73, piece: 1460 },
  { name: 'long', title: 'Lines of 1,400 bytes, a segment each', length: 1400, piece: 1400, goal: 0.5 },
  { name: 'cut', title: 'Lines of 2,000 bytes, cut into segments of 1,460', length: 2000, piece: 1460 },
];

/** A lap of the stream, piece by piece in turns; it ends with a line. */
export function pieces(stream: LineStream): Piece[] {
  const fromServer = piecesOf(SERVER, stream);
  return piecesOf(CLIENT, stream).flatMap((piece, number) => [
    piece,
    ...fromServer.slice(number, number + 1),
  ]);
}

function piecesOf(half: number, { length, piece }: LineStream): Piece[] {
  const lineOf = half === CLIENT ? commandLine : replyLine;
  const lines = Array.from({ length: LINES }, (_, number) => `${lineOf(number, length - 2)}\r\n`);
  const bytes = Buffer.from(lines.join(''), 'latin1');
  return Array.from({ length: Math.ceil(bytes.length / piece) }, (_, number) => ({
    half,
    bytes,
    start: number * piece,
    end: Math.min((number + 1) * piece, bytes.length),
  }));
}

function commandLine(number: number, length: number): string {
  if (number === PASSIVE_LINE) return 'PASV'.padEnd(length);
  return number === PORT_LINE
    ? `PORT ${'10,1,0,2,156,64'.padStart(length - 5)}`
    : 'STAT '.padEnd(length, 'a');
}

const replyLine = (number: number, length: number): string =>
  number === PASSIVE_LINE ? '227 (10,2,0,2,156,64) '.padEnd(length, 'a') : '200 '.padEnd(length, 'a');

const LINE_END = /\r?\n/;
const ANNOUNCEMENTS = {
  client: /^(?:PORT +(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)|EPRT +\|([12])\|([^|]+)\|(\d+)\|)$/i,
  server: /^(?:227 .*?(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)|229 .*?\(\|\|\|(\d+)\|\))/,
} as const;

export class NaiveReader {
  lines = 0;
  announcements = 0;
  readonly #unfinished = new Map<number, string>();

  /** Takes the next bytes of a half; even halves are clients'. */
  scan(half: number, bytes: Buffer, start: number, end: number): void {
    const text = (this.#unfinished.get(half) ?? '') + bytes.toString('latin1', start, end);
    const lines = text.split(LINE_END);
    this.#unfinished.set(half, lines.pop() ?? '');
    const grammar = (half & 1) === 0 ? ANNOUNCEMENTS.client : ANNOUNCEMENTS.server;
    for (const line of lines) {
      this.lines++;
      if (grammar.exec(line) !== null) this.announcements++;
    }
  }
}

/** Bytes of each measurement, in whole laps. */
const BYTES = 300_000_000;
const WARM_UP_BYTES = 100_000_000;
const FLOWS = 1;
const SCANNER = 'scanner';
const SESSION = 'scanner and session';
const NAIVE = 'split and regular expressions';

/** Reads the pieces of a lap, and counts. */
export interface Reader {
  readonly counts: { lines: number; announcements: number };
  read(piece: Piece): void;
}

function scannerAlone(): Reader {
  const counts = { lines: 0, announcements: 0 };
  const lines = new LineScanner(
    { halves: FLOWS * 2 },
    {
      onLine: () => {
        counts.lines++;
      },
    },
  );
  lines.begin(0);
  lines.begin(1);
  return {
    counts,
    read: ({ half, bytes, start, end }) => {
      lines.scan(half, bytes, start, end, 0);
    },
  };
}

function scannerAndSession(): Reader {
  const counts = { lines: 0, announcements: 0 };
  const sessions = new Dialogues({ flows: FLOWS, policy: DEFAULT_POLICY });
  sessions.begin(0, true);
  const onLine = (half: number, line: LineView): void => {
    counts.lines++;
    const outcome = (half & 1) === 0 ? sessions.clientLine(0, line) : sessions.serverLine(0, line);
    if (outcome?.kind === 'announcement') counts.announcements++;
  };
  const lines = new LineScanner({ halves: FLOWS * 2 }, { onLine });
  lines.begin(0);
  lines.begin(1);
  return {
    counts,
    read: ({ half, bytes, start, end }) => {
      lines.scan(half, bytes, start, end, 0);
    },
  };
}

function naive(): Reader {
  const reader = new NaiveReader();
  return {
    counts: reader,
    read: ({ half, bytes, start, end }) => {
      reader.scan(half, bytes, start, end);
    },
  };
}

/** All of them count the same lines, and the last two the same announcements. */
export const READERS: Readonly<Record<string, () => Reader>> = {
  [SCANNER]: scannerAlone,
  [SESSION]: scannerAndSession,
  [NAIVE]: naive,
};

function measure(newReader: () => Reader, stream: LineStream, effort: number): Figures {
  const reader = newReader();
  const lap = pieces(stream);
  const size = lap.reduce((sum, { start, end }) => sum + end - start, 0);
  const play = (atLeast: number): number => {
    const began = process.hrtime.bigint();
    for (let read = 0; read < atLeast; read += size) for (const piece of lap) reader.read(piece);
    return Number(process.hrtime.bigint() - began);
  };
  play(shareOf(WARM_UP_BYTES, effort));
  const { lines } = reader.counts;
  const asked = shareOf(BYTES, effort);
  const nanoseconds = play(asked);
  return {
    line: nanoseconds / (reader.counts.lines - lines),
    gigabytesPerSecond: (Math.ceil(asked / size) * size) / nanoseconds,
  };
}

const COLUMNS: Readonly<Record<string, Column>> = {
  line: { title: 'time', unit: 'ns/line' },
  gigabytesPerSecond: { title: 'bytes', unit: 'GB/s', decimals: 2, compared: true },
};

function comparisonOf(stream: LineStream): Comparison {
  const trials = Object.entries(READERS).map(([name, newReader]): Trial => ({
    name,
    ...(name === NAIVE ? {} : { against: NAIVE }),
    measure: (effort) => measure(newReader, stream, effort),
  }));
  const { name, title, goal } = stream;
  const goals = goal === undefined ? [] : [{ trial: SCANNER, column: 'gigabytesPerSecond', atLeast: goal }];
  return { name, title, columns: COLUMNS, trials, goals };
}

export const scanner: Part = { comparisons: LINE_STREAMS.map(comparisonOf) };
