/**
 * Whether this process may configure the network, from its effective capabilities (/proc/self/status `CapEff`).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CAP_NET_ADMIN (linux/capability.h). */
const CAP_NET_ADMIN = 12;

/** What to do about its absence, as findings and errors say it. */
export const NET_ADMIN_REMEDY = 'run as root, or give the process CAP_NET_ADMIN over its network namespace';

/** Answers `undefined` where it cannot be read. Inside a user namespace it speaks of that namespace only. */
export function hasNetAdmin(procRoot = '/proc'): boolean | undefined {
  const capabilities = effectiveCapabilities(procRoot);
  return capabilities === undefined ? undefined : ((capabilities >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n;
}

function effectiveCapabilities(procRoot: string): bigint | undefined {
  let status: string;
  try {
    status = readFileSync(join(procRoot, 'self/status'), 'utf8');
  } catch {
    return undefined;
  }
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}
