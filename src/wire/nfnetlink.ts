/**
 * The part of a netfilter message between netlink's header and the attributes: `struct nfgenmsg`
 * (linux/netfilter/nfnetlink.h), and the subsystem, message and multicast group numbers used here.
 *
 * @module
 */
import { AttributeReader } from './netlink-attribute.js';
import { MESSAGE_FLAGS } from './netlink.js';
import type { NetlinkWriter } from './netlink-writer.js';

/** NFNL_SUBSYS_*: the upper byte of the message type. */
export const SUBSYSTEMS = { conntrack: 1, expectation: 2, queue: 3 } as const;
/** One of `SUBSYSTEMS`. */
export type Subsystem = (typeof SUBSYSTEMS)[keyof typeof SUBSYSTEMS];

/** IPCTNL_MSG_CT_* and IPCTNL_MSG_EXP_*: both subsystems use the same numbers. */
export const CTNETLINK_MESSAGES = { new: 0, get: 1, delete: 2 } as const;

/** NFQNL_MSG_* that userspace sends. */
export const QUEUE_MESSAGES = { config: 2 } as const;

/** NFNLGRP_*. */
export const MULTICAST_GROUPS = {
  conntrackDestroy: 3,
  expectationNew: 4,
  expectationDestroy: 6,
} as const;

/** AF_UNSPEC, AF_INET and AF_INET6. */
export const ADDRESS_FAMILIES = { unspecified: 0, ipv4: 2, ipv6: 10 } as const;

/** `nfgen_family` of an IP version. */
export const addressFamily = (family: 4 | 6): number =>
  family === 4 ? ADDRESS_FAMILIES.ipv4 : ADDRESS_FAMILIES.ipv6;

/** `nlmsg_type`. */
export const messageType = (subsystem: number, message: number): number => (subsystem << 8) | message;

/** The length of `struct nfgenmsg`. */
export const NFGENMSG_LENGTH = 4;
/** The only version. */
const NFNETLINK_V0 = 0;

/** Begins a request with NLM_F_ACK. `resourceId` is the queue number in the queue subsystem. */
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
  writer.fixed(Uint8Array.of(family, NFNETLINK_V0, resourceId >>> 8, resourceId & 0xff));
}

/**
 * Returns a reader for the attributes in a netfilter message's payload. If the payload is too short for its
 * header, the reader has a fault.
 */
export function readAttributes(bytes: Buffer, payloadAt: number, end: number): AttributeReader {
  const attributes = new AttributeReader(bytes, payloadAt + NFGENMSG_LENGTH, end);
  if (end - payloadAt < NFGENMSG_LENGTH) attributes.fail('message-body-truncated', payloadAt);
  return attributes;
}
