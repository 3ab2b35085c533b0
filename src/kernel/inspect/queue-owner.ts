/**
 * Finds the process that holds an NFQUEUE: the queue's port id (/proc/net/netfilter/nfnetlink_queue) leads to the
 * socket's inode (/proc/net/netlink), and the inode to the process that has it open (/proc/PID/fd). A file that is
 * missing or not readable only leaves its part of the result out.
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The socket that holds a queue, and its process if known. */
export interface QueueOwner {
  readonly queue: number;
  /** Netlink port id: equal to the process id for the first netlink socket of a process, but not for others. */
  readonly portId: number;
  readonly pid: number | undefined;
  /** /proc/PID/comm. */
  readonly command: string | undefined;
}

/** NETLINK_NETFILTER, the `Eth` column of /proc/net/netlink. */
const NETLINK_NETFILTER = 12;

/** Returns `undefined` if nobody holds the queue or the owner cannot be determined. */
export function findQueueOwner(queue: number, procRoot = '/proc'): QueueOwner | undefined {
  const row = tableRows(join(procRoot, 'net/netfilter/nfnetlink_queue')).find(([number]) => number === queue);
  const portId = row?.[1];
  if (portId === undefined) return undefined;
  const pid = findProcess(procRoot, findInode(procRoot, portId));
  return { queue, portId, pid, command: pid === undefined ? undefined : commandOf(procRoot, pid) };
}

/** `process 4711 (conntrack-ftp)`, or as much of it as is known. */
export function formatQueueOwner(owner: QueueOwner): string {
  if (owner.pid === undefined)
    return `a process that is not visible from here (netlink port ${owner.portId})`;
  return `process ${owner.pid}${owner.command === undefined ? '' : ` (${owner.command})`}`;
}

/** Parses a table of decimal columns; a missing file has no rows. */
function tableRows(path: string): number[][] {
  return readText(path)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** Columns of /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. */
function findInode(procRoot: string, portId: number): number | undefined {
  const row = tableRows(join(procRoot, 'net/netlink')).find(
    ([, protocol, port]) => protocol === NETLINK_NETFILTER && port === portId,
  );
  return row?.[9];
}

function findProcess(procRoot: string, inode: number | undefined): number | undefined {
  if (inode === undefined) return undefined;
  const socket = `socket:[${inode}]`;
  return listNames(procRoot)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      const descriptors = join(procRoot, String(pid), 'fd');
      return listNames(descriptors).some((name) => readLink(join(descriptors, name)) === socket);
    });
}

function commandOf(procRoot: string, pid: number): string | undefined {
  const command = readText(join(procRoot, String(pid), 'comm')).trim();
  return command === '' ? undefined : command;
}

/** Processes may end and descriptors may close during the search; a missing file reads as empty. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
