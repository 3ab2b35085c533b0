/**
 * The parts of the benchmark. Each is loaded only where it runs: what one of them needs is no burden to another's trials.
 *
 * @module
 */
import type { Comparison, Part, Trial } from './trial.js';

export const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  core: async () => (await import('./core.js')).core,
  scanner: async () => (await import('./scanner.js')).scanner,
  scale: async () => (await import('./scale.js')).scale,
  start: async () => (await import('./start.js')).start,
  queue: async () => (await import('./queue.js')).queue,
  latency: async () => (await import('./latency.js')).latency,
  sessions: async () => (await import('./sessions.js')).sessions,
};

/** Throws `Error` where there is no such part. */
export async function loadPart(name: string): Promise<Part> {
  const load = PARTS[name];
  if (load === undefined) throw new Error(`no part ${name}: there are ${Object.keys(PARTS).join(', ')}`);
  return load();
}

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
