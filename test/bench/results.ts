/**
 * Results of a comparison: the runs of each trial, and their medians, spreads, ratios and goals.
 * A failed run has no figures.
 *
 * @module
 */
import type { Comparison, Figures, Goal } from './trial.js';

/** The middle one, or the mean of the two in the middle; `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const lower = sorted[Math.ceil(middle) - 1] ?? NaN;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return (lower + upper) / 2;
}

/** The value that so large a part of them is below, of those that there are; `NaN` of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? NaN;
}

/** From the smallest to the largest, as a part of the median; `NaN` of none, 0 where all are equal. */
export function spread(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const range = Math.max(...values) - Math.min(...values);
  return range === 0 ? 0 : range / Math.abs(median(values));
}

/**
 * The median of the ratios run by run: what slowed down the machine for a while slowed down both of a pair. Runs that one of
 * them does not have are left out.
 */
export function medianRatio(
  values: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): number {
  const ratios = values.flatMap((value, run) => {
    const other = others[run];
    return value === undefined || other === undefined ? [] : [value / other];
  });
  return median(ratios);
}

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
