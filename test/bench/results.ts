/**
 * What the trials of a comparison have measured, run by run, and what follows from it: medians, spread, ratios and whether the
 * goals are reached. A run that failed has no figures.
 *
 * @module
 */
import { median, medianRatio, spread } from './statistics.js';
import type { Comparison, Figures, Goal } from './trial.js';

/** Of each trial, by name, the figures of each run; `undefined` for one that failed. */
export type Runs = Readonly<Record<string, readonly (Figures | undefined)[]>>;

export interface Cell {
  readonly median: number;
  readonly spread: number;
  /** Over the trial that it is compared with. */
  readonly ratio?: number;
}

export interface Row {
  readonly trial: string;
  readonly against?: string;
  /** By the column's name; those that the trial has no figure for are left out. */
  readonly cells: Readonly<Record<string, Cell>>;
  readonly failures: number;
}

export interface Verdict {
  readonly goal: Goal;
  readonly reached: number;
  readonly met: boolean;
}

export interface Result {
  readonly comparison: Comparison;
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
  readonly runs: Runs;
}

type Column = readonly (number | undefined)[];

const columnOf = (runs: Runs, trial: string, column: string): Column =>
  (runs[trial] ?? []).map((figures) => figures?.[column]);

const present = (column: Column): number[] => column.filter((value) => value !== undefined);

/** What the runs of `comparison` say. */
export function concludeFrom(comparison: Comparison, measured: Runs): Result {
  const runs = withAdded(comparison, measured);
  const rows = comparison.trials.map(({ name, against }) => rowOf(comparison, runs, name, against));
  const verdicts = (comparison.goals ?? []).map((goal) => judge(goal, runs));
  return { comparison, rows, verdicts, runs };
}

/** Fills the columns that follow from others, run by run: what slowed down the machine for a while slowed down both. */
function withAdded({ columns }: Comparison, runs: Runs): Runs {
  const complete: Record<string, readonly (Figures | undefined)[]> = {};
  for (const [trial, ofTrial] of Object.entries(runs)) {
    complete[trial] = ofTrial.map((figures, run) => {
      if (figures === undefined) return undefined;
      const more: Record<string, number> = {};
      for (const [name, { added }] of Object.entries(columns)) {
        if (added === undefined || added.over === trial) continue;
        const figure = figures[added.column];
        const other = runs[added.over]?.[run]?.[added.column];
        if (figure !== undefined && other !== undefined) more[name] = figure - other;
      }
      return { ...figures, ...more };
    });
  }
  return complete;
}

function rowOf({ columns }: Comparison, runs: Runs, trial: string, against?: string): Row {
  const cells: Record<string, Cell> = {};
  for (const [name, { compared = false }] of Object.entries(columns)) {
    const column = columnOf(runs, trial, name);
    const values = present(column);
    if (values.length === 0) continue;
    const ratio =
      against === undefined || !compared ? NaN : medianRatio(column, columnOf(runs, against, name));
    cells[name] = {
      median: median(values),
      spread: spread(values),
      ...(Number.isNaN(ratio) ? {} : { ratio }),
    };
  }
  const failures = (runs[trial] ?? []).filter((figures) => figures === undefined).length;
  return { trial, ...(against === undefined ? {} : { against }), cells, failures };
}

function judge(goal: Goal, runs: Runs): Verdict {
  const { trial, column, over, atLeast = -Infinity, atMost = Infinity } = goal;
  const values = columnOf(runs, trial, column);
  const reached =
    over === undefined ? median(present(values)) : medianRatio(values, columnOf(runs, over, column));
  return { goal, reached, met: reached >= atLeast && reached <= atMost };
}
