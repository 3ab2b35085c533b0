/**
 * `npm run bench`: what a packet, a line, a connection, a session and a start cost. Prints a table for each comparison, writes
 * all figures as JSON, and draws a chart. Exit code 1 where a trial failed; a goal that is missed is said, and is no failure.
 *
 *     npm run bench -- [--runs N] [--json FILE] [--svg FILE] [PART...]
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { chartOf } from '../test/bench/chart.js';
import { describeMachine, thisMachine, jsonOf, tableOf } from '../test/bench/report.js';
import {
  chartedColumn,
  loadPart,
  PARTS,
  requireComplete,
  measureApart,
  takeTurns,
} from '../test/bench/run-trials.js';
import { concludeFrom, type Result } from '../test/bench/results.js';

const DEFAULT_RUNS = 5;
const RESULTS = path.resolve(import.meta.dirname, '../bench/results');

interface Options {
  readonly runs: number;
  readonly effort: number;
  readonly json?: string;
  readonly svg?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** Only a person who waits wants to see what is going on; in a file it would be noise. */
function tell(sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${sentence}`);
}

async function measurePart(name: string, { runs, effort }: Options): Promise<Result[]> {
  const part = await loadPart(name);
  await part.prepare?.();
  const results: Result[] = [];
  for (const comparison of part.comparisons) {
    requireComplete(comparison);
    const measured = await takeTurns(
      comparison,
      runs,
      async (trial) => measureApart([name, comparison.name, trial], effort),
      (run, trial) => {
        tell(`${name}, ${comparison.name}: run ${run} of ${runs}, ${trial}`);
      },
    );
    tell('');
    const result = concludeFrom(comparison, measured);
    console.log(tableOf(result));
    results.push(result);
  }
  return results;
}

/** Kept where git does not look, unless places are named; the chart beside the figures. */
function placesFor(date: Date, { json, svg }: Options): { readonly json: string; readonly svg: string } {
  const figures = json ?? path.join(RESULTS, `${date.toISOString().replaceAll(':', '-')}.json`);
  return { json: figures, svg: svg ?? `${figures.replace(/\.json$/, '')}.svg` };
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`written to ${path.relative(process.cwd(), file)}`);
}

async function bench(parts: readonly string[], options: Options): Promise<void> {
  const machine = thisMachine();
  const date = new Date();
  console.log(`${describeMachine(machine)}\n`);
  const results: Record<string, readonly Result[]> = {};
  for (const part of parts) results[part] = await measurePart(part, options);
  const places = placesFor(date, options);
  write(places.json, jsonOf(machine, date, results));
  const charted = Object.entries(results).flatMap(([part, measured]) =>
    measured.map((result) => ({ result, column: chartedColumn(part) })),
  );
  write(places.svg, chartOf(charted, machine, date));
  const failed = Object.values(results)
    .flat()
    .some(({ rows }) => rows.some(({ failures }) => failures > 0));
  if (failed) process.exitCode = 1;
}

const names = Object.keys(PARTS);
await new Command('bench')
  .addArgument(new Argument('[part...]', 'what to measure; all unless given').choices(names).default(names))
  .option('--runs <n>', 'measurements of each trial', positive, DEFAULT_RUNS)
  .addOption(new Option('--effort <share>', 'to see that it works').argParser(positive).default(1).hideHelp())
  .option('--json <file>', 'where the figures go (default: a file in bench/results named for the time)')
  .option('--svg <file>', 'where the chart goes (default: beside the figures)')
  .action(bench)
  .parseAsync();
