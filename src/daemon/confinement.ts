/**
 * The daemon goes on in a process that holds CAP_NET_ADMIN only: this one started anew, where it holds more.
 *
 * @module
 */
import type { NativeBinding } from '../kernel/binding.js';
import { confine } from '../kernel/capability.js';

/** In the environment of a process that has started itself anew. */
const RESTARTED = 'CONNTRACK_FTP_RESTARTED';

/**
 * Returns where nothing is left to shed, or can be shed: then with the reason why this process goes on with more
 * privileges than it needs.
 */
export function confineThisProcess(binding: Pick<NativeBinding, 'restartWith'>): string | undefined {
  const restarted = process.env[RESTARTED] !== undefined;
  process.env[RESTARTED] = '1';
  const unconfined = confine(binding, restarted);
  if (!restarted) Reflect.deleteProperty(process.env, RESTARTED);
  return unconfined;
}
