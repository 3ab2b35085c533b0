/**
 * How much processor time a process has used.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** Of the times in /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const NANOSECONDS_PER_TICK = 1e7;

/** User and system time of a process in nanoseconds, all its threads (proc(5), /proc/pid/stat fields 14 and 15). */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses, which may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * NANOSECONDS_PER_TICK;
}
