/**
 * Runs the trials of a comparison in turns, A B A B: what the machine does meanwhile meets all of them.
 *
 * @module
 */
import type { Runs } from './results.js';
import type { Comparison, Figures } from './trial.js';

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
