/**
 * Measures allocated bytes, retained bytes and processor time.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { median } from './results.js';

/** Objects of JavaScript, and memory outside of the heap that they own. */
function inUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/**
 * Bytes that `work` allocates, the mean of `times`; those in which a collection came between are left out. So `work` must
 * allocate little enough for most of its times to be free of one, a few hundred kilobytes.
 *
 * @param prepare  done before each time, and not counted
 */
export function allocatedBy(work: () => void, times: number, prepare?: () => void): number {
  const grown: number[] = [];
  const asking: number[] = [];
  // The first half is warming up: what is compiled meanwhile is no allocation of the work.
  for (let time = -times; time < times; time++) {
    prepare?.();
    const idle = inUse();
    const before = inUse();
    work();
    const after = inUse();
    if (time < 0) continue;
    asking.push(before - idle);
    if (after >= before) grown.push(after - before);
  }
  // What asking costs is no cost of the work.
  return grown.reduce((sum, bytes) => sum + bytes, 0) / grown.length - median(asking);
}

/** Bytes in use once everything that is not needed any more is collected. Throws `Error` without `--expose-gc`. */
export function keptNow(): number {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc');
  globalThis.gc();
  return inUse();
}

/** Of the times in /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const NANOSECONDS_PER_TICK = 1e7;

/** User and system time of a process in nanoseconds, all its threads (proc(5), /proc/pid/stat fields 14 and 15). */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses, which may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * NANOSECONDS_PER_TICK;
}
