/**
 * Segments as they are on a wire. Otherwise the hosts of a laboratory, which no wire joins, hand each other segments
 * larger than any frame, with checksums that no hardware will ever fill in.
 *
 * @module
 */
import type { Namespace } from './namespace.js';

/** Names of `ethtool --offload`. */
const OFFLOADS = ['tx', 'tso', 'gso', 'gro'] as const;

/** Leaves checksums and the cutting into frames of what `device` sends, and the joining of what it gets, to nobody. */
export async function turnOffloadsOff(namespace: Namespace, device: string): Promise<void> {
  await namespace.runChecked(['ethtool', '--offload', device, ...OFFLOADS.flatMap((name) => [name, 'off'])]);
}
