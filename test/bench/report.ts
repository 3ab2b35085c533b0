/**
 * Reports results as text and as JSON, with a description of the machine.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';
import type { Cell, Result, Row, Verdict } from './results.js';
import type { Column } from './trial.js';

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly kernel: string;
  readonly node: string;
  /** Abbreviated; `unknown` outside of a clone. */
  readonly commit: string;
  /** Whether files differ from that commit. */
  readonly dirty: boolean;
  /** Of the last minute, before the first trial. */
  readonly load: number;
}

/** Above it, others use the processors that are measured. */
const IDLE_LOAD = 0.5;

/** Empty where there is no git, or no clone. */
function git(...parameters: readonly string[]): string {
  const { error, stdout } = spawnSync('git', parameters, { cwd: import.meta.dirname, encoding: 'utf8' });
  return error === undefined ? stdout.trim() : '';
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? 'unknown',
    kernel: release(),
    node: process.version,
    commit: git('rev-parse', '--short', 'HEAD') || 'unknown',
    dirty: git('status', '--porcelain') !== '',
    load: loadavg()[0] ?? 0,
  };
}

/** Sentences for a reader. */
export function describeMachine(machine: Machine): string {
  const { cores, processor, kernel, node, commit, dirty, load } = machine;
  const lines = [
    `${cores} cores, ${processor}; Linux ${kernel}; Node ${node}; commit ${commit}${dirty ? ', changed since' : ''}; load ${load.toFixed(2)}`,
  ];
  if (load > IDLE_LOAD)
    lines.push('Others are using this machine: the figures are worse than its own, and unevenly so.');
  return lines.join('\n');
}

const GAP = '  ';

/** The comparison's title, its table and its goals. In a cell: the median, the spread of the runs, the ratio. */
export function tableOf({ comparison, rows, verdicts }: Result): string {
  const columns = Object.entries(comparison.columns);
  const titles = ['', ...columns.map(([, column]) => headingOf(column))];
  const body = rows.map((row) => [
    nameOf(row),
    ...columns.map(([name, column]) => cellOf(row.cells[name], column)),
  ]);
  const lines = aligned([titles, ...body]);
  const goals = verdicts.map((verdict) => goalOf(verdict, comparison.columns[verdict.goal.column]));
  return [comparison.title, '', ...lines, ...goals, ''].join('\n');
}

/** Everything that was measured, and on what. */
export function jsonOf(
  machine: Machine,
  date: Date,
  results: Readonly<Record<string, readonly Result[]>>,
): string {
  const parts = Object.entries(results).map(([part, comparisons]) => ({
    part,
    comparisons: comparisons.map(({ comparison: { name, title, columns }, rows, verdicts, runs }) => ({
      name,
      title,
      columns,
      rows,
      goals: verdicts,
      runs,
    })),
  }));
  return `${JSON.stringify({ date: date.toISOString(), machine, parts }, undefined, 2)}\n`;
}

/** What a column is called, with its unit. */
export const headingOf = ({ title, unit }: Column): string => (unit === '' ? title : `${title}, ${unit}`);

const nameOf = ({ trial, failures }: Row): string =>
  failures === 0 ? trial : `${trial} (${failures} failed)`;

function cellOf(cell: Cell | undefined, { decimals = 0 }: Column): string {
  if (cell === undefined) return '–';
  const ratio = cell.ratio === undefined ? '' : ` ×${cell.ratio.toFixed(2)}`;
  return `${grouped(cell.median, decimals)} ±${percentOf(cell.spread / 2)}${ratio}`;
}

function goalOf({ goal, reached, met }: Verdict, column: Column | undefined): string {
  const { trial, over, atLeast, atMost } = goal;
  const decimals = over === undefined ? (column?.decimals ?? 0) : 2;
  const bounds = [
    ...(atLeast === undefined ? [] : [`at least ${grouped(atLeast, decimals)}`]),
    ...(atMost === undefined ? [] : [`at most ${grouped(atMost, decimals)}`]),
  ];
  const what = `${trial}, ${column === undefined ? goal.column : headingOf(column)}`;
  const measure = over === undefined ? what : `${what}, over ${over}`;
  return `${met ? 'reached' : 'missed '}  ${measure}: ${Number.isNaN(reached) ? 'not measured' : grouped(reached, decimals)}, ${bounds.join(' and ')}`;
}

/** With a comma at each thousand. */
export const grouped = (value: number, decimals: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

const percentOf = (part: number): string => (Number.isFinite(part) ? `${Math.round(part * 100)}%` : '?');

/** Cells under each other, the first of each row to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join(GAP),
  );
}
