/**
 * Probes this kernel's NFQUEUE on an unused queue. The queue is bound for the duration of one system call; no rule
 * sends packets to it.
 *
 * @module
 */
import { ADDRESS_FAMILIES, QUEUE_MESSAGES, SUBSYSTEMS } from '../../wire/nfnetlink.js';
import type { NetlinkWriter } from '../../wire/netlink-writer.js';
import { QUEUE_COMMANDS, QUEUE_FLAGS, writeQueueCommand, writeQueueFlag } from '../../wire/queue-config.js';
import { malformed, type NetlinkSocket } from '../netlink-socket.js';
import { findQueueOwner } from './queue-owner.js';

const HIGHEST_QUEUE = 0xffff;
const OPERATION = 'probe NFQUEUE';

/** Errnos, 0 for success. The flags are meaningful only if `bind` is 0. */
export interface QueueProbe {
  readonly queue: number;
  readonly bind: number;
  readonly failOpen: number;
  /** EOPNOTSUPP if the kernel lacks CONFIG_NETFILTER_NETLINK_GLUE_CT. */
  readonly conntrack: number;
}

/** Throws the errors of `NetlinkSocket.transact`; a refusal is an errno in the result. */
export function probeQueue(socket: NetlinkSocket, procRoot = '/proc'): QueueProbe {
  let queue = HIGHEST_QUEUE;
  while (queue > 0 && findQueueOwner(queue, procRoot) !== undefined) queue -= 1;
  const configure = (): NetlinkWriter =>
    socket.request(SUBSYSTEMS.queue, QUEUE_MESSAGES.config, 0, ADDRESS_FAMILIES.unspecified, queue);
  writeQueueCommand(configure(), QUEUE_COMMANDS.bind);
  writeQueueFlag(configure(), QUEUE_FLAGS.failOpen);
  writeQueueFlag(configure(), QUEUE_FLAGS.conntrack);
  writeQueueCommand(configure(), QUEUE_COMMANDS.unbind);
  const [bind, failOpen, conntrack] = socket.transact(OPERATION);
  if (bind === undefined || failOpen === undefined || conntrack === undefined) {
    throw malformed(OPERATION, 'no answer');
  }
  return { queue, bind: bind.errno, failOpen: failOpen.errno, conntrack: conntrack.errno };
}
