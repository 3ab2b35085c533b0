/**
 * NFQNL_MSG_CONFIG requests (linux/netfilter/nfnetlink_queue.h): bind a queue, set a queue flag. Used only
 * to probe the kernel; the addon writes its own requests for the queue it serves.
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
  /** A full queue accepts packets instead of dropping them. */
  failOpen: 1 << 0,
  /** Packets carry their conntrack entry. Needs the kernel's glue (CONFIG_NETFILTER_NETLINK_GLUE_CT). */
  conntrack: 1 << 1,
} as const;

/** `struct nfqnl_msg_config_cmd`: command, padding, protocol family (ignored since Linux 3.8). */
const COMMAND_LENGTH = 4;

/** Binds the queue in the message header to the sending socket, or unbinds it. */
export function writeQueueCommand(
  writer: NetlinkWriter,
  command: (typeof QUEUE_COMMANDS)[keyof typeof QUEUE_COMMANDS],
): void {
  const value = Buffer.alloc(COMMAND_LENGTH);
  value.writeUInt8(command);
  writer.bytes(NFQA_CFG_CMD, value);
}

/** Sets one flag and leaves the others unchanged. */
export function writeQueueFlag(
  writer: NetlinkWriter,
  flag: (typeof QUEUE_FLAGS)[keyof typeof QUEUE_FLAGS],
): void {
  writer.uint32(NFQA_CFG_FLAGS, flag);
  writer.uint32(NFQA_CFG_MASK, flag);
}
