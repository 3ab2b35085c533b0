/**
 * Reads pcapng files (draft-ietf-opsawg-pcapng) block by block from bytes that arrive in pieces. Supports
 * several sections, each with its own byte order, and several interfaces, each with its own link type and
 * clock. Blocks without a frame are skipped.
 *
 * @module
 */
import { BIG_ENDIAN, LITTLE_ENDIAN, type ByteOrder } from '../wire/byte-order.js';
import { FRAME_BYTES_MAX } from './pcap.js';
import { readInterface, secondsAt, type CaptureInterface } from './pcapng-interface.js';
import type { UnreadBytes } from './unread-bytes.js';

/**
 * Maximum block length, the same as libpcap's. A block is held in memory whole. Frames are far smaller, so
 * a longer block is damaged.
 */
export const BLOCK_BYTES_MAX = 16 * 1024 * 1024;
/** Maximum number of interfaces in one section. A file that contains nothing else must not exhaust memory. */
export const INTERFACES_MAX = 65_536;

export type PcapngFault =
  | 'byte-order-unknown'
  | 'version-unsupported'
  | 'block-length-wrong'
  | 'block-too-large'
  | 'frame-past-block'
  | 'frame-too-large'
  | 'option-malformed'
  | 'interface-unknown'
  | 'interfaces-too-many';

/** Type of the first block of every section; reads the same in both byte orders. */
export const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION_BLOCK = 1;
/**
 * Obsolete. Interface ID and drop count share the field that holds the interface ID in the enhanced packet
 * block.
 */
const PACKET_BLOCK = 2;
const SIMPLE_PACKET_BLOCK = 3;
const ENHANCED_PACKET_BLOCK = 6;
/**
 * Blocks that contain no frame but that Wireshark lists and numbers like frames: journal entries, system
 * calls (three versions), and both kinds of custom blocks.
 */
const OTHER_NUMBERED_BLOCKS: readonly number[] = [9, 0x204, 0x216, 0x221, 0x0bad, 0x40000bad];

// Every block: type, total length, body, total length again.
const TOTAL_LENGTH = 4; // u32
const BODY = 8;
const TRAILER_LENGTH = 4;
const BLOCK_LENGTH_MIN = 12;

// Section header
const BYTE_ORDER_MAGIC = 8; // u32
const MAJOR_VERSION = 12; // u16
const SECTION_HEADER_LENGTH_MIN = 28;

// Enhanced packet and packet blocks
const INTERFACE_ID = 8; // u32; u16 in the packet block
const TICKS_HIGH = 12; // u32
const TICKS_LOW = 16; // u32
const CAPTURED_LENGTH = 20; // u32
const ORIGINAL_LENGTH = 24; // u32
const FRAME = 28;

// Simple packet block
const SIMPLE_ORIGINAL_LENGTH = 8; // u32
const SIMPLE_FRAME = 12;

/** Walks the blocks of one file from its first byte. The public fields describe the last frame read. */
export class PcapngBlocks {
  /** Frame number over all sections, from 1, as Wireshark counts. */
  number = 0;
  linkType = 0;
  /** Seconds since 1970; 0 for a simple packet block, which has no time. */
  time = 0;
  /** The frame is `[start, end)` of the unread bytes. */
  start = 0;
  end = 0;
  originalLength = 0;
  #order: ByteOrder = LITTLE_ENDIAN;
  readonly #interfaces: CaptureInterface[] = [];

  /** Reads up to and including the next frame. A faulty or incomplete block stays in `unread`. */
  next(unread: UnreadBytes): 'frame' | 'more' | PcapngFault {
    for (;;) {
      const length = this.#wholeBlock(unread);
      if (typeof length !== 'number') return length;
      const found = this.#readBlock(unread.bytes, unread.start, unread.start + length);
      if (found !== undefined && found !== 'frame') return found;
      unread.take(length);
      if (found === 'frame') return found;
    }
  }

  /** Returns the length of the first block once the block is complete. */
  #wholeBlock(unread: UnreadBytes): number | 'more' | PcapngFault {
    if (unread.length < BLOCK_LENGTH_MIN) return 'more';
    const { bytes, start: at } = unread;
    if (bytes.readUInt32BE(at) === SECTION_HEADER_BLOCK) {
      const order = byteOrder(bytes, at + BYTE_ORDER_MAGIC);
      if (order === undefined) return 'byte-order-unknown';
      this.#order = order;
    }
    const length = this.#order.u32(bytes, at + TOTAL_LENGTH);
    if (length < BLOCK_LENGTH_MIN || length % 4 !== 0) return 'block-length-wrong';
    if (length > BLOCK_BYTES_MAX) return 'block-too-large';
    if (unread.length < length) return 'more';
    const repeated = this.#order.u32(bytes, at + length - TRAILER_LENGTH);
    return repeated === length ? length : 'block-length-wrong';
  }

  /** Reads the block `[at, end)`. Returns `undefined` if it contains no frame. */
  #readBlock(bytes: Buffer, at: number, end: number): 'frame' | PcapngFault | undefined {
    const type = this.#order.u32(bytes, at);
    const bodyEnd = end - TRAILER_LENGTH;
    switch (type) {
      case SECTION_HEADER_BLOCK:
        return this.#beginSection(bytes, at, end);
      case INTERFACE_DESCRIPTION_BLOCK:
        return this.#addInterface(bytes, at + BODY, bodyEnd);
      case ENHANCED_PACKET_BLOCK:
      case PACKET_BLOCK:
        return this.#readPacket(type, bytes, at, bodyEnd);
      case SIMPLE_PACKET_BLOCK:
        return this.#readSimplePacket(bytes, at, bodyEnd);
      default:
        if (OTHER_NUMBERED_BLOCKS.includes(type)) this.number++;
        return undefined;
    }
  }

  #beginSection(bytes: Buffer, at: number, end: number): PcapngFault | undefined {
    if (end - at < SECTION_HEADER_LENGTH_MIN) return 'block-length-wrong';
    if (this.#order.u16(bytes, at + MAJOR_VERSION) !== 1) return 'version-unsupported';
    this.#interfaces.length = 0;
    return undefined;
  }

  #addInterface(bytes: Buffer, at: number, end: number): PcapngFault | undefined {
    if (this.#interfaces.length === INTERFACES_MAX) return 'interfaces-too-many';
    const described = readInterface(bytes, at, end, this.#order);
    if (typeof described === 'string') return described;
    this.#interfaces.push(described);
    return undefined;
  }

  #readPacket(type: number, bytes: Buffer, at: number, end: number): 'frame' | PcapngFault {
    if (end - at < FRAME) return 'block-length-wrong';
    const order = this.#order;
    const id =
      type === PACKET_BLOCK ? order.u16(bytes, at + INTERFACE_ID) : order.u32(bytes, at + INTERFACE_ID);
    const captureInterface = this.#interfaces[id];
    if (captureInterface === undefined) return 'interface-unknown';
    this.time = secondsAt(
      captureInterface,
      order.u32(bytes, at + TICKS_HIGH),
      order.u32(bytes, at + TICKS_LOW),
    );
    this.originalLength = order.u32(bytes, at + ORIGINAL_LENGTH);
    this.linkType = captureInterface.linkType;
    return this.#frameAt(at + FRAME, order.u32(bytes, at + CAPTURED_LENGTH), end);
  }

  /** The frame length is the original length, cut to the snap length of the section's first interface. */
  #readSimplePacket(bytes: Buffer, at: number, end: number): 'frame' | PcapngFault {
    if (end - at < SIMPLE_FRAME) return 'block-length-wrong';
    const captureInterface = this.#interfaces[0];
    if (captureInterface === undefined) return 'interface-unknown';
    this.time = 0;
    this.originalLength = this.#order.u32(bytes, at + SIMPLE_ORIGINAL_LENGTH);
    this.linkType = captureInterface.linkType;
    return this.#frameAt(at + SIMPLE_FRAME, Math.min(this.originalLength, captureInterface.snapLength), end);
  }

  #frameAt(start: number, length: number, end: number): 'frame' | PcapngFault {
    if (length > FRAME_BYTES_MAX) return 'frame-too-large';
    if (length > end - start) return 'frame-past-block';
    this.number++;
    this.start = start;
    this.end = start + length;
    return 'frame';
  }
}

function byteOrder(bytes: Buffer, at: number): ByteOrder | undefined {
  return [LITTLE_ENDIAN, BIG_ENDIAN].find((order) => order.u32(bytes, at) === 0x1a2b3c4d);
}
