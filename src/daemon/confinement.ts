/**
 * Drops every capability except CAP_NET_ADMIN. A process that holds more re-executes itself.
 *
 * @module
 */
import type { NativeBinding } from '../kernel/binding.js';
import { confine } from '../kernel/capability.js';

/** Set in the environment of a process that has re-executed itself. */
const RESTARTED = 'CONNTRACK_FTP_RESTARTED';

/**
 * What glibc's malloc(3) keeps for itself, for the process after the re-exec: free blocks of 64 KiB go back to the
 * kernel. The daemon allocates such blocks while it starts and hardly ever later; it has 1.2 MB less resident memory so.
 */
const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '65536',
} as const;

/**
 * Returns `undefined` if no privilege is left to drop, or else the reason why this process keeps more privileges than
 * it needs. Does not return if the process re-executes itself.
 */
export function confineThisProcess(binding: Pick<NativeBinding, 'restartWith'>): string | undefined {
  const restarted = process.env[RESTARTED] !== undefined;
  // Variables that a user has set stay as they are.
  const added = Object.entries({ ...MALLOC, [RESTARTED]: '1' }).filter(
    ([name]) => process.env[name] === undefined,
  );
  for (const [name, value] of added) process.env[name] = value;
  const unconfined = confine(binding, restarted);
  for (const [name] of added) Reflect.deleteProperty(process.env, name);
  return unconfined;
}
