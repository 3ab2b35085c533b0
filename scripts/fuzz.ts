/**
 * `npm run fuzz`: fuzzes, from a seed, all code that reads foreign bytes. Prints a line for each target and saves
 * inputs that broke one under test/fixtures/crashes, where the tests replay them. Exit code 1 if something broke.
 *
 *     npm run fuzz -- [--seed N] [--seconds N | --iterations N] [TARGET...]
 *
 * @module
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import type { CampaignLimits, CampaignReport } from '../test/fuzz/campaign.js';
import { Coverage } from '../test/fuzz/coverage.js';
import { saveCrash } from '../test/fuzz/crashes.js';

/** Per target; all targets together take about two minutes. */
const DEFAULT_SECONDS = 12;

const USAGE = `usage: npm run fuzz -- [options] [target...]

  --seed N         what the inputs are drawn from (default: the time)
  --seconds N      for each target (default: ${DEFAULT_SECONDS})
  --iterations N   for each target, in place of a time: repeats a run exactly`;

interface Options {
  readonly seed: number;
  readonly limits: CampaignLimits;
  readonly targets: readonly string[];
}

/** Parses the command line; `undefined` if it is wrong. Throws `TypeError` for unknown options. */
function readOptions(known: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    options: { seed: { type: 'string' }, seconds: { type: 'string' }, iterations: { type: 'string' } },
    allowPositionals: true,
    strict: true,
  });
  const numbers = [values.seed, values.seconds, values.iterations].map((text) => Number(text ?? 0));
  const [seed = 0, seconds = 0, iterations = 0] = numbers;
  if (numbers.some((number) => !(number >= 0)) || positionals.some((name) => !known.includes(name))) {
    return undefined;
  }
  return {
    seed: values.seed === undefined ? Date.now() % 2 ** 32 : seed,
    limits:
      values.iterations === undefined
        ? { seconds: values.seconds === undefined ? DEFAULT_SECONDS : seconds, iterations: Infinity }
        : { seconds: Infinity, iterations },
    targets: positionals.length === 0 ? known : positionals,
  };
}

const HEADINGS = ['target', 'iterations', 'seconds', 'pool', 'blocks', 'crashes'] as const;

function line(cells: readonly (string | number)[]): string {
  return cells.map((cell, at) => (at === 0 ? String(cell).padEnd(12) : String(cell).padStart(11))).join('');
}

function print({ target, iterations, seconds, pool, blocks, crashes }: CampaignReport): void {
  console.log(line([target, iterations, seconds.toFixed(1), pool, blocks, crashes.length]));
  for (const { input, error } of crashes) {
    const file = relative(process.cwd(), saveCrash(target, input));
    console.log(`\n${file}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
}

// Before any module of this project is loaded: see coverage.ts.
const coverage = new Coverage('/src/');
const { TARGETS } = await import('../test/fuzz/targets.js');
const { fuzz } = await import('../test/fuzz/campaign.js');
const { fuzzAddon, ADDON } = await import('../test/fuzz/addon.js');

let options: Options | undefined;
try {
  options = readOptions([...Object.keys(TARGETS), ADDON]);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n`);
}
if (options === undefined) {
  console.error(`${USAGE}\n\ntargets: ${[...Object.keys(TARGETS), ADDON].join(', ')}`);
  process.exitCode = 2;
} else {
  const { seed, limits, targets } = options;
  console.log(`seed ${seed}\n\n${line(HEADINGS)}`);
  for (const name of targets) {
    const make = TARGETS[name];
    const report =
      make === undefined ? await fuzzAddon(seed, limits) : fuzz(await make(), seed, limits, coverage);
    print(report);
    if (report.crashes.length > 0) process.exitCode = 1;
  }
}
coverage.stop();
