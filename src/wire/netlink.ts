/**
 * Netlink messages (linux/netlink.h): the 16-byte header in host order, and the acknowledgement. What is
 * between header and end is somebody else's: attributes are read by netlink-attribute.ts, and messages are
 * written by netlink-writer.ts. Bytes that break the format end the walk with a fault, never with an exception.
 *
 * @module
 */
import { readHostInt32, readHostUint16, readHostUint32 } from './host-order.js';
import { AttributeReader } from './netlink-attribute.js';
import type { NetlinkFault } from './netlink-fault.js';

/** `struct nlmsghdr`. */
export const MESSAGE_HEADER = { length: 0, type: 4, flags: 6, sequence: 8, portId: 12 } as const;
/** NLMSG_HDRLEN. */
export const MESSAGE_HEADER_LENGTH = 16;

/** NLMSG_*: the types below 16 are netlink's own. */
export const CONTROL_TYPES = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** NLM_F_*; the meaning of a bit above 0xff depends on the kind of request. */
export const MESSAGE_FLAGS = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** NLM_F_ROOT | NLM_F_MATCH, of a GET. */
  dump: 0x300,
  /** Of a NEW: fail with EEXIST where the object is there. */
  exclusive: 0x200,
  /** Of a NEW: make the object where it is not there. */
  create: 0x400,
  /** Of an acknowledgement: the request's own bytes are not repeated. */
  capped: 0x100,
  /** Of an acknowledgement: attributes follow (NETLINK_EXT_ACK). */
  acknowledgementAttributes: 0x200,
} as const;

/** NLMSG_ALIGN and NLA_ALIGN: both round up to 4 bytes. */
export const alignNetlink = (length: number): number => (length + 3) & ~3;

/**
 * Walks the messages that stand one after the other in `[start, end)`. After `next()` answered true the fields
 * describe one message, whole; after it answered false, `fault` says whether the bytes ended properly.
 */
export class MessageReader {
  readonly bytes: Buffer;
  /** Where the message begins, and its payload begins and ends. */
  at: number;
  payloadAt: number;
  end: number;
  fault: NetlinkFault | undefined;
  readonly #limit: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.payloadAt = start;
    this.end = start;
    this.#limit = end;
  }

  next(): boolean {
    if (this.fault !== undefined) return false;
    const at = Math.min(alignNetlink(this.end - this.at) + this.at, this.#limit);
    if (at === this.#limit) return false;
    if (this.#limit - at < MESSAGE_HEADER_LENGTH) return this.#fail('message-header-truncated');
    const length = readHostUint32(this.bytes, at + MESSAGE_HEADER.length);
    if (length < MESSAGE_HEADER_LENGTH) return this.#fail('message-length-too-small');
    if (length > this.#limit - at) return this.#fail('message-length-past-end');
    this.at = at;
    this.payloadAt = at + MESSAGE_HEADER_LENGTH;
    this.end = at + length;
    return true;
  }

  get type(): number {
    return readHostUint16(this.bytes, this.at + MESSAGE_HEADER.type);
  }

  get flags(): number {
    return readHostUint16(this.bytes, this.at + MESSAGE_HEADER.flags);
  }

  get sequence(): number {
    return readHostUint32(this.bytes, this.at + MESSAGE_HEADER.sequence);
  }

  get portId(): number {
    return readHostUint32(this.bytes, this.at + MESSAGE_HEADER.portId);
  }

  #fail(fault: NetlinkFault): false {
    this.fault = fault;
    return false;
  }
}

/** What an NLMSG_ERROR, or the NLMSG_DONE of a dump, says about the request of the same sequence number. */
export interface Acknowledgement {
  /** 0, or the errno as a positive number. */
  readonly errno: number;
  /** NLMSGERR_ATTR_MSG. */
  readonly explanation: string | undefined;
}

const ERROR_NUMBER_LENGTH = 4;
const NLMSGERR_ATTR_MSG = 1;

/** Reads the acknowledgement that `message` stands on: `struct nlmsgerr`, then perhaps attributes. */
export function readAcknowledgement(message: MessageReader): Acknowledgement | NetlinkFault {
  const { bytes, payloadAt, end, flags } = message;
  if (end - payloadAt < ERROR_NUMBER_LENGTH) return 'message-body-truncated';
  const errno = Math.abs(readHostInt32(bytes, payloadAt));
  let attributesAt = payloadAt + ERROR_NUMBER_LENGTH;
  if (message.type === CONTROL_TYPES.error) {
    if (end - attributesAt < MESSAGE_HEADER_LENGTH) return 'message-body-truncated';
    const repeated =
      flags & MESSAGE_FLAGS.capped ? MESSAGE_HEADER_LENGTH : repeatedLength(bytes, attributesAt);
    attributesAt += alignNetlink(Math.min(repeated, end - attributesAt));
  }
  if ((flags & MESSAGE_FLAGS.acknowledgementAttributes) === 0 || attributesAt >= end) {
    return { errno, explanation: undefined };
  }
  return readExplanation(errno, new AttributeReader(bytes, attributesAt, end));
}

/** The refused request is repeated whole unless the acknowledgement is capped; its header says how long it is. */
const repeatedLength = (bytes: Buffer, at: number): number =>
  Math.max(MESSAGE_HEADER_LENGTH, readHostUint32(bytes, at + MESSAGE_HEADER.length));

function readExplanation(errno: number, attributes: AttributeReader): Acknowledgement | NetlinkFault {
  let explanation: string | undefined;
  while (attributes.next()) {
    if (attributes.type === NLMSGERR_ATTR_MSG) explanation = attributes.text();
  }
  return attributes.fault ?? { errno, explanation };
}
