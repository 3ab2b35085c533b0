/**
 * Opens what the kernel offers, for callers that do not know the addon: a packet queue, and a socket for requests to
 * connection tracking.
 *
 * @module
 */
import { loadBinding } from './binding.js';
import { NetlinkSocket } from './netlink-socket.js';
import { PacketQueue, type PacketQueueListener } from './packet-queue.js';

/** Which queue to bind, and its settings. Only `queue` is required. */
export interface OpenQueueOptions {
  /** Number of the queue, 0 to 65535, as in the rule: `-j NFQUEUE --queue-num N`. */
  readonly queue: number;
  /** Bytes of each packet that the kernel copies, 1 to 65531. Default 65531: the whole packet. */
  readonly copyRange?: number;
  /** Packets that wait in the kernel at most (NFQA_CFG_QUEUE_MAXLEN). Default 4096. */
  readonly maxLength?: number;
  /** What happens if the queue is full: true accepts the packet unread, false drops it. Default true. */
  readonly failOpen?: boolean;
  /** Size of the receive buffer in bytes (SO_RCVBUFFORCE). Default 4 MiB. */
  readonly receiveBufferBytes?: number;
  /** Packets of one batch at most, 1 to 1024. Default 256. */
  readonly batchSize?: number;
}

const DEFAULTS = {
  copyRange: 65_531,
  maxLength: 4096,
  failOpen: true,
  receiveBufferBytes: 4 * 1024 * 1024,
  batchSize: 256,
} as const;

/**
 * Binds an NFQUEUE of the current network namespace. Batches are delivered from the event loop until `close()`; an open
 * queue keeps the process running.
 *
 * Each error below has the sentence to show in `message` and what to do about it in `remedy`.
 *
 * @throws NotPermittedError  if CAP_NET_ADMIN is missing
 * @throws MissingError       if another process has bound the queue, the kernel has no NFQUEUE, or the addon is not built
 * @throws SystemCallError    if a system call fails for another reason; `errnoName` says which
 * @throws TypeError, RangeError  if an option is not a number in its range
 */
export function openPacketQueue(options: OpenQueueOptions, listener: PacketQueueListener): PacketQueue {
  return new PacketQueue(loadBinding(), { ...DEFAULTS, ...options }, listener);
}

/**
 * Opens a netlink socket for requests to connection tracking, in the current network namespace: the argument of
 * `ConntrackTable`. Close it when you are done.
 *
 * @throws MissingError     if the addon is not built
 * @throws SystemCallError  if the kernel has no netfilter netlink sockets (EPROTONOSUPPORT)
 */
export const openNetlinkSocket = (): NetlinkSocket => NetlinkSocket.open(loadBinding());
