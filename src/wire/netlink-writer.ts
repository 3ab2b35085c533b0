/**
 * Writes netlink messages and their attributes into one buffer that is kept and reused, and grows where it
 * must. Lengths are kept right after every call: what `written` answers can be sent at any time.
 *
 * @module
 */
import { writeHostUint16, writeHostUint32 } from './host-order.js';
import { ATTRIBUTE_HEADER_LENGTH, NESTED } from './netlink-attribute.js';
import { alignNetlink, MESSAGE_HEADER, MESSAGE_HEADER_LENGTH } from './netlink.js';

/** Enough for an expectation with NAT for IPv6 (about 600 bytes) and a sequence adjustment beside it. */
const DEFAULT_CAPACITY = 2048;
/** An attribute's length has 16 bits, its header included. */
const VALUE_MAX = 0xffff - ATTRIBUTE_HEADER_LENGTH;

/** Throws RangeError for a value that does not fit its field: that is our own bug, never the network's. */
export class NetlinkWriter {
  #bytes: Buffer;
  #end = 0;
  #messageAt = 0;

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#bytes = Buffer.alloc(capacity);
  }

  /** The messages so far; borrowed: the next call may overwrite or move them. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = 0;
  }

  /** Begins a message; everything up to the next call belongs to it. */
  beginMessage(type: number, flags: number, sequence: number): void {
    this.#messageAt = this.#end;
    const at = this.#extend(MESSAGE_HEADER_LENGTH);
    writeHostUint16(this.#bytes, at + MESSAGE_HEADER.type, type);
    writeHostUint16(this.#bytes, at + MESSAGE_HEADER.flags, flags);
    writeHostUint32(this.#bytes, at + MESSAGE_HEADER.sequence, sequence);
  }

  /** A fixed part that follows the message header and is no attribute. */
  fixed(value: Uint8Array): void {
    const at = this.#extend(value.length);
    this.#bytes.set(value, at);
  }

  uint8(type: number, value: number): void {
    const at = this.#attribute(type, 1);
    this.#bytes.writeUInt8(value, at);
  }

  /** Network order, as all of netfilter's numbers are. */
  uint16(type: number, value: number): void {
    const at = this.#attribute(type, 2);
    this.#bytes.writeUInt16BE(value, at);
  }

  uint32(type: number, value: number): void {
    const at = this.#attribute(type, 4);
    this.#bytes.writeUInt32BE(value, at);
  }

  int32(type: number, value: number): void {
    const at = this.#attribute(type, 4);
    this.#bytes.writeInt32BE(value, at);
  }

  bytes(type: number, value: Uint8Array): void {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
  }

  /** A string with its NUL. */
  text(type: number, value: string): void {
    const at = this.#attribute(type, value.length + 1);
    this.#bytes.write(value, at, 'latin1');
  }

  /** Opens a nest; give what it answers to `closeNest` when the attributes within are written. */
  openNest(type: number): number {
    return this.#attribute(type | NESTED, 0);
  }

  closeNest(valueAt: number): void {
    this.#setAttributeLength(valueAt, this.#end - valueAt);
  }

  /** Writes an attribute's header and answers where its zeroed value begins. */
  #attribute(type: number, length: number): number {
    const valueAt = this.#extend(ATTRIBUTE_HEADER_LENGTH + length) + ATTRIBUTE_HEADER_LENGTH;
    this.#setAttributeLength(valueAt, length);
    writeHostUint16(this.#bytes, valueAt - ATTRIBUTE_HEADER_LENGTH + 2, type);
    return valueAt;
  }

  #setAttributeLength(valueAt: number, length: number): void {
    if (length > VALUE_MAX) throw new RangeError(`a netlink attribute cannot hold ${length} bytes`);
    writeHostUint16(this.#bytes, valueAt - ATTRIBUTE_HEADER_LENGTH, ATTRIBUTE_HEADER_LENGTH + length);
  }

  /** Makes the message longer by `length` zeroed bytes and padding, and answers where they begin. */
  #extend(length: number): number {
    const at = this.#end;
    const end = at + alignNetlink(length);
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.fill(0, at, end);
    this.#end = end;
    writeHostUint32(this.#bytes, this.#messageAt + MESSAGE_HEADER.length, end - this.#messageAt);
    return at;
  }

  #grow(needed: number): void {
    const grown = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}
