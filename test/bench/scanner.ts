/**
 * The part `scanner`: bytes of streams into lines and announcements, without packets. Beside it a naive twin that finds the same
 * announcements.
 *
 * @module
 */
import { LineScanner } from '../../src/ftp/line-scanner.js';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import { Dialogues } from '../../src/ftp/dialogue.js';
import { LINE_STREAMS, pieces, type LineStream, type Piece } from './line-streams.js';
import { NaiveReader } from './naive-reader.js';
import { shareOf, type Column, type Comparison, type Figures, type Part, type Trial } from './trial.js';

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
  const onLine = (
    half: number,
    bytes: Buffer,
    start: number,
    end: number,
    _: number,
    traits: number,
  ): void => {
    counts.lines++;
    const outcome =
      (half & 1) === 0
        ? sessions.clientLine(0, bytes, start, end, traits)
        : sessions.serverLine(0, bytes, start, end, traits);
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
