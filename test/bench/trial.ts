/**
 * What a benchmark is made of: parts hold comparisons, comparisons hold trials, and a trial answers a figure for each column of
 * its comparison. A trial runs in a process of its own; those of one comparison take turns.
 *
 * @module
 */

/** A figure for each column, by the column's name. One that does not apply to this trial is left out. */
export type Figures = Readonly<Record<string, number>>;

export interface Column {
  readonly title: string;
  /** As printed beside the title; empty where the title says it. */
  readonly unit: string;
  /** Decimals that are printed; 0 unless given. */
  readonly decimals?: number;
  /** Whether a ratio to the trial that it is compared with says something. */
  readonly compared?: boolean;
  /** Given for a column that no trial measures: it is how much a trial has more than another in a column that is measured. */
  readonly added?: Added;
}

export interface Added {
  readonly column: string;
  /** Name of the trial that the others have more than; it has no figure of its own. */
  readonly over: string;
}

export interface Trial {
  readonly name: string;
  /** Name of the trial of this comparison that the ratios are over. */
  readonly against?: string;
  /**
   * Measures once.
   *
   * @param effort  1 for a measurement; smaller to see that it works, then its figures say nothing
   */
  measure(effort: number): Figures | Promise<Figures>;
}

/** What a trial must reach: its median, or, with `over`, the ratio to another trial, in one column. */
export interface Goal {
  readonly trial: string;
  readonly column: string;
  readonly over?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Comparison {
  readonly name: string;
  /** What is measured, as a sentence. */
  readonly title: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly trials: readonly Trial[];
  readonly goals?: readonly Goal[];
}

export interface Part {
  readonly comparisons: readonly Comparison[];
  /** Done once before its trials, in the process that starts them: what has to be built, say. */
  readonly prepare?: () => Promise<void>;
}

/** `effort` of `full`, and at least 1: of what there must be some. */
export const shareOf = (full: number, effort: number): number => Math.max(1, Math.round(full * effort));
