/**
 * Writes netlink messages and their attributes into one buffer, which is reused and grows as needed. Every
 * call keeps the length fields correct, so `written` can be sent at any time.
 *
 * @module
 */
import { writeHostUint16, writeHostUint32 } from './host-order.js';
import { ATTRIBUTE_HEADER_LENGTH, NESTED } from './netlink-attribute.js';
import { alignNetlink, MESSAGE_HEADER, MESSAGE_HEADER_LENGTH } from './netlink.js';

/** Enough for an expectation with NAT for IPv6 (about 600 bytes) plus a sequence adjustment. */
const DEFAULT_CAPACITY = 2048;
/** An attribute's length field has 16 bits and includes the header. */
const VALUE_MAX = 0xffff - ATTRIBUTE_HEADER_LENGTH;

/**
 * Throws RangeError for a value that does not fit its field: a bug in this program, never a fault of the
 * network.
 */
export class NetlinkWriter {
  #bytes: Buffer;
  #end = 0;
  #messageAt = 0;

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#bytes = Buffer.alloc(capacity);
  }

  /** The messages so far. Borrowed: the next call may overwrite or move them. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = 0;
  }

  /** Begins a message. Everything written before the next `beginMessage` belongs to it. */
  beginMessage(type: number, flags: number, sequence: number): void {
    this.#messageAt = this.#end;
    const at = this.#extend(MESSAGE_HEADER_LENGTH);
    writeHostUint16(this.#bytes, at + MESSAGE_HEADER.type, type);
    writeHostUint16(this.#bytes, at + MESSAGE_HEADER.flags, flags);
    writeHostUint32(this.#bytes, at + MESSAGE_HEADER.sequence, sequence);
  }

  /** Writes a fixed part that follows the message header and is not an attribute. */
  fixed(value: Uint8Array): void {
    const at = this.#extend(value.length);
    this.#bytes.set(value, at);
  }

  uint8(type: number, value: number): void {
    const at = this.#attribute(type, 1);
    this.#bytes.writeUInt8(value, at);
  }

  /** Network order, like all netfilter numbers. */
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

  /** Writes a string with its NUL. */
  text(type: number, value: string): void {
    const at = this.#attribute(type, value.length + 1);
    this.#bytes.write(value, at, 'latin1');
  }

  /** Opens a nest. Pass the result to `closeNest` after writing the nested attributes. */
  openNest(type: number): number {
    return this.#attribute(type | NESTED, 0);
  }

  closeNest(valueAt: number): void {
    this.#setAttributeLength(valueAt, this.#end - valueAt);
  }

  /** Writes an attribute's header and returns the offset of its zeroed value. */
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

  /** Extends the message by `length` zeroed bytes plus padding, and returns their offset. */
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
