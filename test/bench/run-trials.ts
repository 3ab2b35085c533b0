/**
 * Finds the trials and runs each in its own process, in turns: A B A B.
 * A separate process keeps one trial's heap and compiled code out of the next. Run as a program, this module
 * measures one trial and sends its figures to the parent.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { INLINING } from '../../src/daemon/inlining.js';
import type { Runs } from './results.js';
import type { Comparison, Part, Trial, Figures } from './trial.js';

interface PartEntry {
  readonly load: () => Promise<Part>;
  /** The column that a chart shows, of each comparison that has it. */
  readonly charted: string;
}

export const PARTS: Readonly<Record<string, PartEntry>> = {
  core: { load: async () => (await import('./core.js')).core, charted: 'packetsPerSecond' },
  scanner: { load: async () => (await import('./scanner.js')).scanner, charted: 'gigabytesPerSecond' },
  scale: { load: async () => (await import('./scale.js')).scale, charted: 'nanoseconds' },
  start: { load: async () => (await import('./start.js')).start, charted: 'ready' },
  queue: { load: async () => (await import('./queue.js')).queue, charted: 'emptying' },
  latency: { load: async () => (await import('./latency.js')).latency, charted: 'p50' },
  sessions: { load: async () => (await import('./sessions.js')).sessions, charted: 'rate' },
};

/** Throws `Error` where there is no such part. */
function entryOf(name: string): PartEntry {
  const entry = PARTS[name];
  if (entry === undefined) throw new Error(`no part ${name}: there are ${Object.keys(PARTS).join(', ')}`);
  return entry;
}

/** Throws `Error` where there is no such part. */
export const loadPart = async (name: string): Promise<Part> => entryOf(name).load();

/** The column that a chart shows of the part. Throws `Error` where there is no such part. */
export const chartedColumn = (part: string): string => entryOf(part).charted;

/** Throws `Error` where there is no such trial. */
export async function findTrial(part: string, comparison: string, trial: string): Promise<Trial> {
  const { comparisons } = await loadPart(part);
  const found = comparisons
    .find(({ name }) => name === comparison)
    ?.trials.find(({ name }) => name === trial);
  if (found === undefined) throw new Error(`no trial ${trial} in ${part}, ${comparison}`);
  return found;
}

/** Trials that must not be alone: where one of them is compared with another, that one is there. So with columns. */
export function requireComplete({ name, columns, trials, goals = [] }: Comparison): void {
  const known = new Set(trials.map((trial) => trial.name));
  const added = Object.values(columns).flatMap((column) => column.added ?? []);
  const named = [
    ...trials.flatMap(({ against }) => against ?? []),
    ...added.map(({ over }) => over),
    ...goals.flatMap(({ trial, over }) => [trial, ...(over === undefined ? [] : [over])]),
  ];
  for (const trial of named) {
    if (!known.has(trial)) throw new Error(`${name} compares with a trial that it does not have: ${trial}`);
  }
  for (const { column } of [...goals, ...added]) {
    if (!(column in columns)) throw new Error(`${name} names a column that it does not have: ${column}`);
  }
}

/** Measures a trial of the comparison once; `undefined` where it failed. */
export type Measure = (trial: string) => Promise<Figures | undefined>;

/** @param tell  hears of each measurement before it begins */
export async function takeTurns(
  { trials }: Comparison,
  count: number,
  measure: Measure,
  tell: (run: number, trial: string) => void,
): Promise<Runs> {
  const runs: Record<string, (Figures | undefined)[]> = {};
  for (const { name } of trials) runs[name] = [];
  for (let run = 1; run <= count; run++) {
    for (const { name } of trials) {
      tell(run, name);
      runs[name]?.push(await measure(name));
    }
  }
  return runs;
}

/** Where a trial is: its part, its comparison, its name. */
export type TrialPath = readonly [part: string, comparison: string, trial: string];

const PROGRAM = fileURLToPath(import.meta.url);

/**
 * Measures once; `undefined` where the trial failed, and why is on standard error. What it prints goes there too: standard output
 * is for the tables.
 */
export async function measureApart(path: TrialPath, effort: number): Promise<Figures | undefined> {
  const child = fork(PROGRAM, [...path, String(effort)], {
    execArgv: ['--expose-gc', INLINING, '--import', 'tsx'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let figures: Figures | undefined;
  child.on('message', (message) => {
    figures = message as Figures;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return status === 0 ? figures : undefined;
}

async function main(part = '', comparison = '', name = '', effort = '1'): Promise<void> {
  const trial = await findTrial(part, comparison, name);
  const figures = await trial.measure(Number(effort));
  process.send?.(figures);
  process.disconnect();
}

if (process.argv[1] === PROGRAM) await main(...process.argv.slice(2));
