/**
 * Builds pcap and pcapng files for tests, in every byte order and resolution that the reader knows.
 *
 * @module
 */
import { LINK_TYPES } from '../../src/wire/link-layer.js';

export interface FrameOptions {
  readonly bytes: Uint8Array;
  /** Seconds; kept to the file's resolution. */
  readonly time?: number;
  /** What the frame had on the wire; its length where nothing is said. */
  readonly originalLength?: number;
}

export interface PcapOptions {
  readonly linkType?: number;
  readonly bigEndian?: boolean;
  readonly nanoseconds?: boolean;
  /** Records in the layout of the patched libpcap with magic a1b2cd34: eight bytes more. */
  readonly modified?: boolean;
  /** `2.4` where nothing is said. */
  readonly version?: readonly [major: number, minor: number];
  /** Writes the original length before the captured one, as writers of version 2.3 and earlier did. */
  readonly swappedLengths?: boolean;
}

/** A whole pcap file. */
export function pcapFile(frames: readonly FrameOptions[], options: PcapOptions = {}): Buffer {
  const write = new ByteWriter(options.bigEndian === true);
  const [major, minor] = options.version ?? [2, 4];
  const header = [
    write.u32(pcapMagic(options)),
    write.u16(major),
    write.u16(minor),
    write.u32(0),
    write.u32(0),
    write.u32(262_144),
    write.u32(options.linkType ?? LINK_TYPES.ethernet),
  ];
  return Buffer.concat([...header, ...frames.map((frame) => pcapRecord(write, frame, options))]);
}

function pcapMagic(options: PcapOptions): number {
  if (options.modified === true) return 0xa1b2cd34;
  return options.nanoseconds === true ? 0xa1b23c4d : 0xa1b2c3d4;
}

function pcapRecord(write: ByteWriter, frame: FrameOptions, options: PcapOptions): Buffer {
  const [seconds, fraction] = splitTime(frame.time ?? 0, options.nanoseconds === true ? 1e9 : 1e6);
  const lengths = [frame.bytes.length, frame.originalLength ?? frame.bytes.length];
  if (options.swappedLengths === true) lengths.reverse();
  return Buffer.concat([
    write.u32(seconds),
    write.u32(fraction),
    ...lengths.map((length) => write.u32(length)),
    Buffer.alloc(options.modified === true ? 8 : 0),
    frame.bytes,
  ]);
}

/** Whole seconds, and the rest in units of `1 / unitsPerSecond`. */
function splitTime(time: number, unitsPerSecond: number): [seconds: number, units: number] {
  const seconds = Math.floor(time);
  return [seconds, Math.round((time - seconds) * unitsPerSecond)];
}

/** Numbers as bytes in one byte order. */
export class ByteWriter {
  readonly #bigEndian: boolean;

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  u16(value: number): Buffer {
    const bytes = Buffer.alloc(2);
    if (this.#bigEndian) bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return bytes;
  }

  u32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    if (this.#bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  }

  i64(value: bigint): Buffer {
    const bytes = Buffer.alloc(8);
    if (this.#bigEndian) bytes.writeBigInt64BE(value);
    else bytes.writeBigInt64LE(value);
    return bytes;
  }
}
