/**
 * The parts of the benchmark. Each is loaded only where it runs: what one of them needs is no burden to another's trials.
 *
 * @module
 */
import type { Comparison, Part, Trial } from './trial.js';

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
