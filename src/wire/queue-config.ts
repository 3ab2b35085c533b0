/**
 * NFQNL_MSG_CONFIG requests (linux/netfilter/nfnetlink_queue.h): bind a queue, set a flag of it. The addon writes
 * its own for the queue that it serves; these are for asking what the kernel can do.
 *
 * @module
 */
import type { NetlinkWriter } from './netlink-writer.js';

/** `enum nfqnl_attr_config`. */
const NFQA_CFG_CMD = 1;
const NFQA_CFG_MASK = 4;
const NFQA_CFG_FLAGS = 5;

/** `enum nfqnl_msg_config_cmds`. */
export const QUEUE_COMMANDS = { bind: 1, unbind: 2 } as const;

/** NFQA_CFG_F_*. */
export const QUEUE_FLAGS = {
  /** A full queue accepts instead of dropping. */
  failOpen: 1 << 0,
  /** Packets bring their conntrack entry along; needs the kernel's glue (CONFIG_NETFILTER_NETLINK_GLUE_CT). */
  conntrack: 1 << 1,
} as const;

/** `struct nfqnl_msg_config_cmd`: command, padding, protocol family (which kernels since 3.8 ignore). */
const COMMAND_LENGTH = 4;

/** Binds the queue of the message's header to the sending socket, or lets go of it. */
export function writeQueueCommand(
  writer: NetlinkWriter,
  command: (typeof QUEUE_COMMANDS)[keyof typeof QUEUE_COMMANDS],
): void {
  const value = Buffer.alloc(COMMAND_LENGTH);
  value.writeUInt8(command);
  writer.bytes(NFQA_CFG_CMD, value);
}

/** Raises one flag; the others stay as they are. */
export function writeQueueFlag(
  writer: NetlinkWriter,
  flag: (typeof QUEUE_FLAGS)[keyof typeof QUEUE_FLAGS],
): void {
  writer.uint32(NFQA_CFG_FLAGS, flag);
  writer.uint32(NFQA_CFG_MASK, flag);
}
