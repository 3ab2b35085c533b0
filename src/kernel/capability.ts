/**
 * Reads the capabilities of this process (/proc/self/status), and drops all of them except CAP_NET_ADMIN.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SystemCallError } from '../errors.js';
import type { NativeBinding } from './binding.js';
import { callNative } from './native-error.js';

/** CAP_NET_ADMIN (linux/capability.h). */
const CAP_NET_ADMIN = 12;
const NET_ADMIN = 1n << BigInt(CAP_NET_ADMIN);

/** What to do about its absence, as findings and errors say it. */
export const NET_ADMIN_REMEDY = 'run as root, or with CAP_NET_ADMIN over the network namespace';

/** Returns `undefined` if /proc cannot be read. Inside a user namespace the result holds for that namespace only. */
export function hasNetAdmin(procRoot = '/proc'): boolean | undefined {
  const capabilities = statusField('CapEff', procRoot);
  return capabilities === undefined ? undefined : (capabilities & NET_ADMIN) !== 0n;
}

/**
 * Whether every thread of this process has at most CAP_NET_ADMIN and cannot gain privileges (capabilities(7),
 * PR_SET_NO_NEW_PRIVS).
 */
export function isConfined(procRoot = '/proc'): boolean {
  const threads = threadsOf(procRoot);
  return (
    threads.length > 0 && threads.every((thread) => isThreadConfined(join('self/task', thread), procRoot))
  );
}

function isThreadConfined(task: string, procRoot: string): boolean {
  const permitted = statusField('CapPrm', procRoot, task);
  // The thread has ended meanwhile.
  if (permitted === undefined) return true;
  return (permitted & ~NET_ADMIN) === 0n && statusField('NoNewPrivs', procRoot, task) === 1n;
}

/** Returns an empty list if /proc cannot be read. */
function threadsOf(procRoot: string): string[] {
  try {
    return readdirSync(join(procRoot, 'self/task'));
  } catch {
    return [];
  }
}

/**
 * Drops every capability except CAP_NET_ADMIN in all threads. If the process holds more, it re-executes itself.
 * Returns the reason why extra capabilities remain, or `undefined`.
 *
 * @param restarted  whether the process has been re-executed already; a second attempt would change nothing
 */
export function confine(binding: Pick<NativeBinding, 'restartWith'>, restarted: boolean): string | undefined {
  if (isConfined()) return undefined;
  if (restarted) return 're-executing did not drop them';
  try {
    return callNative(() => binding.restartWith(CAP_NET_ADMIN));
  } catch (error) {
    if (error instanceof SystemCallError) return error.message;
    throw error;
  }
}

function statusField(name: string, procRoot: string, task = 'self'): bigint | undefined {
  let status: string;
  try {
    status = readFileSync(join(procRoot, task, 'status'), 'utf8');
  } catch {
    return undefined;
  }
  const digits = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}
