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
 * Returns `undefined` if no privilege is left to drop, or else the reason why this process keeps more privileges than
 * it needs. Does not return if the process re-executes itself.
 */
export function confineThisProcess(binding: Pick<NativeBinding, 'restartWith'>): string | undefined {
  const restarted = process.env[RESTARTED] !== undefined;
  process.env[RESTARTED] = '1';
  const unconfined = confine(binding, restarted);
  if (!restarted) Reflect.deleteProperty(process.env, RESTARTED);
  return unconfined;
}
