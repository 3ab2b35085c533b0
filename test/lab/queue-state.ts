/**
 * The state of an NFQUEUE in a namespace: how many packets are waiting, and how many could not be delivered.
 *
 * @module
 */
import type { Namespace } from './namespace.js';

export interface QueueState {
  /** Packets that have no verdict yet. */
  readonly waiting: number;
  /** Packets dropped because too many were waiting; 0 with fail-open, which accepts them. */
  readonly droppedFull: number;
  /** Packets that found the receive buffer of the queue's socket full, whether accepted or dropped. */
  readonly overruns: number;
}

/** Returns `undefined` if no process has bound the queue. */
export async function queueState(namespace: Namespace, queue = 0): Promise<QueueState | undefined> {
  const text = await namespace.runChecked([
    'cat',
    '/proc/net/netfilter/nfnetlink_queue',
    '/proc/net/netlink',
  ]);
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
  // Columns: queue, port id, waiting, copy mode, copy range, dropped, dropped by receiver, last id, 1.
  const row = rows.find((columns) => columns.length === 9 && columns[0] === String(queue));
  if (row === undefined) return undefined;
  // Columns: sk, protocol, port id, groups, rmem, wmem, dump, locks, drops, inode.
  const socket = rows.find((columns) => columns.length === 10 && columns[2] === row[1]);
  return { waiting: Number(row[2]), droppedFull: Number(row[5]), overruns: Number(socket?.[8]) };
}
