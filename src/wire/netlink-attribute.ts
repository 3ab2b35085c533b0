/**
 * Reads netlink attributes (linux/netlink.h `struct nlattr`): a 4-byte header in host order, a value, and
 * padding to 4 bytes. The reader's fault is sticky and shared with the readers of its nests: read
 * everything, then check `fault` once. After a fault, `next()` returns false and all values read as zero.
 *
 * @module
 */
import { readHostUint16 } from './host-order.js';
import type { NetlinkFault } from './netlink-fault.js';

/** NLA_HDRLEN. */
export const ATTRIBUTE_HEADER_LENGTH = 4;
/** NLA_F_NESTED. */
export const NESTED = 0x8000;
/** NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;

/**
 * Returns the offset of the value of the first attribute of `type` in `[at, end)`, or -1; `attributeEnd`
 * returns the end of the value. For reading one number without a reader. Returns -1 if the bytes break the
 * format.
 */
export function findAttribute(bytes: Buffer, at: number, end: number, type: number): number {
  while (end - at >= ATTRIBUTE_HEADER_LENGTH) {
    const length = readHostUint16(bytes, at);
    if (length < ATTRIBUTE_HEADER_LENGTH || length > end - at) return -1;
    if ((readHostUint16(bytes, at + 2) & TYPE_MASK) === type) return at + ATTRIBUTE_HEADER_LENGTH;
    at += (length + 3) & ~3;
  }
  return -1;
}

/** Returns the end of the value that `findAttribute` found at `valueAt`. */
export const attributeEnd = (bytes: Buffer, valueAt: number): number =>
  valueAt - ATTRIBUTE_HEADER_LENGTH + readHostUint16(bytes, valueAt - ATTRIBUTE_HEADER_LENGTH);

interface StickyFault {
  fault: NetlinkFault | undefined;
  at: number;
}

/** Walks the attributes in `[start, end)`: one for each `next()` that returns true. */
export class AttributeReader {
  readonly #bytes: Buffer;
  readonly #limit: number;
  readonly #sticky: StickyFault;
  #next: number;
  #valueAt: number;
  #valueEnd: number;
  /** The current attribute's type, without its flag bits. */
  type = 0;

  constructor(
    bytes: Buffer,
    start: number,
    end: number,
    sticky: StickyFault = { fault: undefined, at: start },
  ) {
    this.#bytes = bytes;
    this.#next = start;
    this.#limit = end;
    this.#valueAt = start;
    this.#valueEnd = start;
    this.#sticky = sticky;
  }

  /** The first fault of this reader or of any of its nests. */
  get fault(): NetlinkFault | undefined {
    return this.#sticky.fault;
  }

  /** Offset of the fault. */
  get faultAt(): number {
    return this.#sticky.at;
  }

  next(): boolean {
    if (this.fault !== undefined || this.#next >= this.#limit) return false;
    const at = this.#next;
    if (this.#limit - at < ATTRIBUTE_HEADER_LENGTH) return this.fail('attribute-header-truncated', at);
    const length = readHostUint16(this.#bytes, at);
    if (length < ATTRIBUTE_HEADER_LENGTH) return this.fail('attribute-length-too-small', at);
    if (length > this.#limit - at) return this.fail('attribute-length-past-end', at);
    this.type = readHostUint16(this.#bytes, at + 2) & TYPE_MASK;
    this.#valueAt = at + ATTRIBUTE_HEADER_LENGTH;
    this.#valueEnd = at + length;
    this.#next = at + ((length + 3) & ~3);
    return true;
  }

  uint8(): number {
    return this.#holds(1) ? this.#bytes.readUInt8(this.#valueAt) : 0;
  }

  /** Network order, like all netfilter numbers. */
  uint16(): number {
    return this.#holds(2) ? this.#bytes.readUInt16BE(this.#valueAt) : 0;
  }

  uint32(): number {
    return this.#holds(4) ? this.#bytes.readUInt32BE(this.#valueAt) : 0;
  }

  int32(): number {
    return this.#holds(4) ? this.#bytes.readInt32BE(this.#valueAt) : 0;
  }

  /** Returns a copy of the value, which must be `length` bytes long. */
  bytes(length: number): Uint8Array {
    if (!this.#holds(length)) return new Uint8Array(length);
    return new Uint8Array(this.#bytes.subarray(this.#valueAt, this.#valueEnd));
  }

  /** Returns the string up to its NUL, or up to the end of the value if there is no NUL. */
  text(): string {
    const value = this.#bytes.subarray(this.#valueAt, this.#valueEnd);
    const nul = value.indexOf(0);
    return value.toString('latin1', 0, nul === -1 ? value.length : nul);
  }

  /** Returns a reader for the attributes nested in this one. */
  nested(): AttributeReader {
    return new AttributeReader(this.#bytes, this.#valueAt, this.#valueEnd, this.#sticky);
  }

  /**
   * Records a fault found by the caller, unless there is one already. Returns false, for `return
   * reader.fail(…)`.
   */
  fail(fault: NetlinkFault, at: number = this.#valueAt): false {
    if (this.#sticky.fault === undefined) {
      this.#sticky.fault = fault;
      this.#sticky.at = at;
    }
    return false;
  }

  #holds(length: number): boolean {
    if (this.fault !== undefined) return false;
    return this.#valueEnd - this.#valueAt === length || this.fail('attribute-wrong-size');
  }
}
