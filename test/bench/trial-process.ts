/**
 * One measurement in a process of its own: what one trial leaves behind, in memory or in how its code was compiled, is no cost
 * of the next. `measureApart` is for the process that starts it; run as a program, this module is the one that measures.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findTrial } from './parts.js';
import { INLINING } from '../../src/daemon/inlining.js';
import type { Figures } from './trial.js';

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
