/** What happens to log lines when their reader is slow, stops reading or goes away: on a pipe, as in production. */
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogOutput } from '../../src/daemon/log-output.js';
import { runChecked } from '../lab/command.js';
import { waitFor } from '../lab/condition.js';

const CAPACITY = 100_000;
const LINE_LENGTH = 1_000;
const PATIENCE_MS = 10_000;

let folder: string;
let pipe: string;
let reader: number;
let output: LogOutput;
let told: number[];
let descriptor: number;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cftp-log-'));
  pipe = path.join(folder, 'pipe');
  await runChecked(['mkfifo', pipe]);
  reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  told = [];
  output = new LogOutput({ descriptor, capacity: CAPACITY, onLosses: (lines) => told.push(lines) });
});
afterEach(() => {
  closeSync(reader);
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

/** A line of `LINE_LENGTH` characters that begins with its number. */
const numbered = (number: number): string => `${String(number).padEnd(LINE_LENGTH - 1)}\n`;

function writeLines(from: number, to: number): void {
  for (let number = from; number < to; number++) output.write(numbered(number));
}

/** Returns what the pipe holds now, or an empty string. */
function take(): string {
  const bytes = Buffer.alloc(1 << 20);
  try {
    return bytes.toString('utf8', 0, readSync(reader, bytes));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return '';
    throw error;
  }
}

/** Reads until line `last` has arrived, and returns the numbers of all lines. */
async function numbersUpTo(last: number): Promise<number[]> {
  let text = '';
  await waitFor(`line ${last}`, () => {
    text += take();
    return text.endsWith(numbered(last));
  });
  const lines = text.split('\n').slice(0, -1);
  expect(lines.map((line) => line.length)).toEqual(lines.map(() => LINE_LENGTH - 1));
  return lines.map(Number);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

it('writes lines in order, and has written all of them when it ends', async () => {
  writeLines(0, 20);
  await output.end(PATIENCE_MS);
  expect(await numbersUpTo(19)).toEqual(range(0, 20));
  expect(told).toEqual([]);
});

it('buffers up to its capacity if the reader stops, drops the rest, and reports the number later', async () => {
  const held = CAPACITY / LINE_LENGTH;
  writeLines(0, 1000);
  expect(output.lost).toBe(1000 - held);
  expect(await numbersUpTo(held - 1)).toEqual(range(0, held));
  await waitFor('the losses', () => told.length > 0);
  expect(told).toEqual([1000 - held]);
  writeLines(1000, 1001);
  expect(await numbersUpTo(1000)).toEqual([1000]);
});

it('ends even if the reader has stopped reading', async () => {
  writeLines(0, 1000);
  const before = performance.now();
  await output.end(200);
  expect(performance.now() - before).toBeLessThan(PATIENCE_MS);
});

it('survives the loss of its reader, and writes to the next one', async () => {
  closeSync(reader);
  writeLines(0, 10);
  await waitFor('the loss of all', () => output.lost === 10);
  await output.end(PATIENCE_MS);
  reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  writeLines(10, 12);
  expect(await numbersUpTo(11)).toEqual([10, 11]);
  await waitFor('the losses', () => told.length > 0);
  expect(told).toEqual([10]);
});

it('starts a new line after a line that it could write only in part', async () => {
  let taken = 0;
  writeLines(0, 100);
  // More than a pipe holds: after two lines are read, the write stops in the middle of another.
  const two = Buffer.alloc(2 * LINE_LENGTH);
  await waitFor('two lines', () => (taken += readSomeOf(reader, two, taken)) === two.length);
  const begun = two.toString();
  closeSync(reader);
  await waitFor('the loss of the rest', () => output.lost > 0);
  reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  output.write(numbered(200));
  let text = '';
  await waitFor('the next line', () => (text += take()).endsWith(numbered(200)));
  const lines = (begun + text).split('\n').slice(0, -1);
  expect(lines.at(-1)).toBe(
    numbered(200)
      .trimEnd()
      .padEnd(LINE_LENGTH - 1),
  );
  // The truncated line is in the output and counts as lost.
  expect(lines).toHaveLength(100 - output.lost + 2);
});

/** Reads into `into` from offset `at`; returns the number of bytes. */
function readSomeOf(pipeEnd: number, into: Buffer, at: number): number {
  try {
    return readSync(pipeEnd, into, at, into.length - at, null);
  } catch {
    return 0;
  }
}

it('counts the lines that a full disk rejects', async () => {
  const full = openSync('/dev/full', constants.O_WRONLY);
  const toDisk = new LogOutput({ descriptor: full, capacity: CAPACITY, onLosses: () => undefined });
  toDisk.write(numbered(1));
  toDisk.write(numbered(2));
  await toDisk.end(PATIENCE_MS);
  closeSync(full);
  expect(toDisk.lost).toBe(2);
});
