/**
 * What the figures were measured on: without it they say nothing.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';

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
