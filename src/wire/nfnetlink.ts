/**
 * What every netfilter message has between netlink's header and its attributes: `struct nfgenmsg`
 * (linux/netfilter/nfnetlink.h), and the numbers of subsystems, messages and multicast groups in use here.
 *
 * @module
 */
import { AttributeReader } from './netlink-attribute.js';
import { MESSAGE_FLAGS } from './netlink.js';
import type { NetlinkWriter } from './netlink-writer.js';

/** NFNL_SUBSYS_*: the upper byte of a message's type. */
export const SUBSYSTEMS = { conntrack: 1, expectation: 2, queue: 3 } as const;
export type Subsystem = (typeof SUBSYSTEMS)[keyof typeof SUBSYSTEMS];

/** IPCTNL_MSG_CT_* and IPCTNL_MSG_EXP_*: both subsystems number these alike. */
export const CTNETLINK_MESSAGES = { new: 0, get: 1, delete: 2 } as const;

/** NFQNL_MSG_* that userspace sends. */
export const QUEUE_MESSAGES = { config: 2 } as const;

/** NFNLGRP_*. */
export const MULTICAST_GROUPS = {
  conntrackNew: 1,
  conntrackUpdate: 2,
  conntrackDestroy: 3,
  expectationNew: 4,
  expectationDestroy: 6,
} as const;

/** AF_UNSPEC, AF_INET and AF_INET6, by the length of an address or by family. */
export const ADDRESS_FAMILIES = { unspecified: 0, ipv4: 2, ipv6: 10 } as const;

export const addressFamily = (family: 4 | 6): number =>
  family === 4 ? ADDRESS_FAMILIES.ipv4 : ADDRESS_FAMILIES.ipv6;

/** `nlmsg_type`. */
export const messageType = (subsystem: number, message: number): number => (subsystem << 8) | message;
export const subsystemOf = (type: number): number => type >>> 8;
export const messageOf = (type: number): number => type & 0xff;

export const NFGENMSG_LENGTH = 4;
const FAMILY = 0; // u8
const RESOURCE_ID = 2; // be16

/** Begins a request that wants an acknowledgement. `resourceId` is a queue number where the subsystem has queues. */
export function beginRequest(
  writer: NetlinkWriter,
  subsystem: Subsystem,
  message: number,
  flags: number,
  sequence: number,
  family: number,
  resourceId = 0,
): void {
  writer.beginMessage(
    messageType(subsystem, message),
    flags | MESSAGE_FLAGS.request | MESSAGE_FLAGS.ack,
    sequence,
  );
  const header = Buffer.alloc(NFGENMSG_LENGTH);
  header.writeUInt8(family, FAMILY);
  header.writeUInt16BE(resourceId, RESOURCE_ID);
  writer.fixed(header);
}

/** nfgen_family of a message's payload, which must be at least `NFGENMSG_LENGTH` long. */
export const payloadFamily = (bytes: Buffer, payloadAt: number): number =>
  bytes.readUInt8(payloadAt + FAMILY);

export const payloadResourceId = (bytes: Buffer, payloadAt: number): number =>
  bytes.readUInt16BE(payloadAt + RESOURCE_ID);

/** The attributes of a netfilter message's payload; a payload too short for its header is a fault of the reader. */
export function readAttributes(bytes: Buffer, payloadAt: number, end: number): AttributeReader {
  const attributes = new AttributeReader(bytes, payloadAt + NFGENMSG_LENGTH, end);
  if (end - payloadAt < NFGENMSG_LENGTH) attributes.fail('message-body-truncated', payloadAt);
  return attributes;
}
