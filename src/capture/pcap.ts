/**
 * Reads pcap files (draft-ietf-opsawg-pcap; libpcap's savefile.c for the older layouts) record by record
 * from bytes that arrive in pieces. Supports both byte orders, microseconds and nanoseconds, and the longer
 * records of the patched libpcap that Linux distributions once shipped. The snap length in the file header
 * is not used.
 *
 * @module
 */
import { BIG_ENDIAN, LITTLE_ENDIAN, type ByteOrder } from '../wire/byte-order.js';
import type { UnreadBytes } from './unread-bytes.js';

/**
 * Maximum frame length, the same as libpcap's (MAXIMUM_SNAPLEN). The longest IP packet has 64 KiB. A record
 * that claims more than this limit is damaged, and the reader must not wait for gigabytes.
 */
export const FRAME_BYTES_MAX = 262_144;

export type PcapFault = 'version-unsupported' | 'frame-too-large';

/** The file layout that the first four bytes determine. */
export interface PcapLayout {
  readonly order: ByteOrder;
  readonly fractionsPerSecond: number;
  readonly recordHeaderLength: number;
}

const MAGIC_NUMBERS = [
  { magic: 0xa1b2c3d4, fractionsPerSecond: 1e6, recordHeaderLength: 16 },
  { magic: 0xa1b23c4d, fractionsPerSecond: 1e9, recordHeaderLength: 16 },
  // Each record has eight more bytes: interface index, protocol, packet type.
  { magic: 0xa1b2cd34, fractionsPerSecond: 1e6, recordHeaderLength: 24 },
] as const;

// File header
const MAJOR_VERSION = 4; // u16
const MINOR_VERSION = 6; // u16
const LINK_TYPE = 20; // u32: LINKTYPE_* in the lower half, the length of the frame check sequence above it
const FILE_HEADER_LENGTH = 24;

// Record header
const SECONDS = 0; // u32
const FRACTION = 4; // u32
const CAPTURED_LENGTH = 8; // u32
const ORIGINAL_LENGTH = 12; // u32

/** Returns the layout of the file whose magic number is at `at`, or `undefined` if it is not a pcap file. */
export function pcapLayout(bytes: Buffer, at: number): PcapLayout | undefined {
  for (const order of [LITTLE_ENDIAN, BIG_ENDIAN]) {
    const magic = order.u32(bytes, at);
    const known = MAGIC_NUMBERS.find((candidate) => candidate.magic === magic);
    if (known !== undefined) return { order, ...known };
  }
  return undefined;
}

/** Walks the records of one file from its first byte. The public fields describe the last frame read. */
export class PcapRecords {
  /** Frame number, from 1. */
  number = 0;
  linkType = 0;
  /** Seconds since 1970. Microseconds stay exact until 2106, when the format's range ends. */
  time = 0;
  /** The frame is `[start, end)` of the unread bytes. */
  start = 0;
  end = 0;
  originalLength = 0;
  readonly #layout: PcapLayout;
  #headerRead = false;
  #lengthsInEitherOrder = false;

  constructor(layout: PcapLayout) {
    this.#layout = layout;
  }

  /** Reads one record. A faulty or incomplete record stays in `unread`. */
  next(unread: UnreadBytes): 'frame' | 'more' | PcapFault {
    const { order, fractionsPerSecond, recordHeaderLength } = this.#layout;
    if (!this.#headerRead) {
      const obstacle = this.#readFileHeader(unread);
      if (obstacle !== undefined) return obstacle;
    }
    if (unread.length < recordHeaderLength) return 'more';
    const { bytes, start: at } = unread;
    let capturedLength = order.u32(bytes, at + CAPTURED_LENGTH);
    let originalLength = order.u32(bytes, at + ORIGINAL_LENGTH);
    if (this.#lengthsInEitherOrder && capturedLength > originalLength) {
      [capturedLength, originalLength] = [originalLength, capturedLength];
    }
    if (capturedLength > FRAME_BYTES_MAX) return 'frame-too-large';
    if (unread.length < recordHeaderLength + capturedLength) return 'more';
    this.time = order.u32(bytes, at + SECONDS) + order.u32(bytes, at + FRACTION) / fractionsPerSecond;
    this.start = at + recordHeaderLength;
    this.end = this.start + capturedLength;
    this.originalLength = originalLength;
    this.number++;
    unread.take(recordHeaderLength + capturedLength);
    return 'frame';
  }

  #readFileHeader(unread: UnreadBytes): 'more' | PcapFault | undefined {
    if (unread.length < FILE_HEADER_LENGTH) return 'more';
    const { order } = this.#layout;
    const { bytes, start: at } = unread;
    const minor = order.u16(bytes, at + MINOR_VERSION);
    if (order.u16(bytes, at + MAJOR_VERSION) !== 2 || minor > 4) return 'version-unsupported';
    // Before version 2.4 some writers put the original length first. A captured frame is never longer than
    // the original.
    this.#lengthsInEitherOrder = minor < 4;
    this.linkType = order.u32(bytes, at + LINK_TYPE) & 0xffff;
    this.#headerRead = true;
    unread.take(FILE_HEADER_LENGTH);
    return undefined;
  }
}
