/**
 * Netlink messages (linux/netlink.h): the 16-byte header in host order, and the acknowledgement. The rest
 * is read and written elsewhere: netlink-attribute.ts reads attributes, netlink-writer.ts writes messages.
 * Bytes that break the format end the walk with a fault, never with an exception.
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

/** NLMSG_*. Types below 16 are netlink's own. */
export const CONTROL_TYPES = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** NLM_F_*. The meaning of a bit above 0xff depends on the kind of request. */
export const MESSAGE_FLAGS = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** In a GET: NLM_F_ROOT | NLM_F_MATCH. */
  dump: 0x300,
  /** In a NEW: fail with EEXIST if the object exists. */
  exclusive: 0x200,
  /** In a NEW: create the object if it does not exist. */
  create: 0x400,
  /** In an acknowledgement: the request is not repeated. */
  capped: 0x100,
  /** In an acknowledgement: attributes follow (NETLINK_EXT_ACK). */
  acknowledgementAttributes: 0x200,
} as const;

/** NLMSG_ALIGN and NLA_ALIGN: both round up to 4 bytes. */
export const alignNetlink = (length: number): number => (length + 3) & ~3;

/**
 * Walks the consecutive messages in `[start, end)`. After `next()` returns true, the fields describe one
 * whole message. After it returns false, `fault` tells whether the bytes ended cleanly.
 */
export class MessageReader {
  readonly bytes: Buffer;
  /** Offsets of the message, and of its payload's first byte and end. */
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

/**
 * The content of an NLMSG_ERROR, or of the NLMSG_DONE of a dump, for the request with the same sequence
 * number.
 */
export interface Acknowledgement {
  /** 0, or the errno as a positive number. */
  readonly errno: number;
  /** NLMSGERR_ATTR_MSG. */
  readonly explanation: string | undefined;
}

const ERROR_NUMBER_LENGTH = 4;
const NLMSGERR_ATTR_MSG = 1;

/** Reads the acknowledgement at `message`'s current position: `struct nlmsgerr`, then optional attributes. */
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

/**
 * The whole refused request is repeated unless the acknowledgement is capped. The request's own header
 * gives its length.
 */
const repeatedLength = (bytes: Buffer, at: number): number =>
  Math.max(MESSAGE_HEADER_LENGTH, readHostUint32(bytes, at + MESSAGE_HEADER.length));

function readExplanation(errno: number, attributes: AttributeReader): Acknowledgement | NetlinkFault {
  let explanation: string | undefined;
  while (attributes.next()) {
    if (attributes.type === NLMSGERR_ATTR_MSG) explanation = attributes.text();
  }
  return attributes.fault ?? { errno, explanation };
}
