/**
 * Builds pcap and pcapng files for tests, in every byte order and resolution that the reader supports.
 * Files with several sections or unusual blocks are built with `pcapng-section.ts`.
 *
 * @module
 */
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { PcapngSection, type FrameOptions, type InterfaceOptions } from './pcapng-section.js';

export type PcapVariant = keyof typeof PCAP_MAGICS;

const PCAP_MAGICS = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d, modified: 0xa1b2cd34 };

export interface PcapOptions {
  readonly linkType?: number;
  readonly bigEndian?: boolean;
  /** `modified` is the layout of the patched libpcap: microseconds, and eight more bytes in each record. */
  readonly variant?: PcapVariant;
  /** Default `2.4`. */
  readonly version?: readonly [major: number, minor: number];
  /** Writes the original length before the captured one, as writers of version 2.3 and earlier did. */
  readonly swappedLengths?: boolean;
}

/** Returns a whole pcap file. */
export function pcapFile(frames: readonly FrameOptions[], options: PcapOptions = {}): Buffer {
  const write = new ByteWriter(options.bigEndian === true);
  const [major, minor] = options.version ?? [2, 4];
  const header = [
    write.u32(PCAP_MAGICS[options.variant ?? 'microseconds']),
    write.u16(major),
    write.u16(minor),
    write.u32(0),
    write.u32(0),
    write.u32(262_144),
    write.u32(options.linkType ?? LINK_TYPES.ethernet),
  ];
  return Buffer.concat([...header, ...frames.map((frame) => pcapRecord(write, frame, options))]);
}

function pcapRecord(write: ByteWriter, frame: FrameOptions, options: PcapOptions): Buffer {
  const [seconds, fraction] = splitTime(frame.time ?? 0, options.variant === 'nanoseconds' ? 1e9 : 1e6);
  const lengths = [frame.bytes.length, frame.originalLength ?? frame.bytes.length];
  if (options.swappedLengths === true) lengths.reverse();
  return Buffer.concat([
    write.u32(seconds),
    write.u32(fraction),
    ...lengths.map((length) => write.u32(length)),
    Buffer.alloc(options.variant === 'modified' ? 8 : 0),
    frame.bytes,
  ]);
}

/** Returns whole seconds, and the remainder in units of `1 / unitsPerSecond`. */
function splitTime(time: number, unitsPerSecond: number): [seconds: number, units: number] {
  const seconds = Math.floor(time);
  return [seconds, Math.round((time - seconds) * unitsPerSecond)];
}

export interface PcapngOptions extends InterfaceOptions {
  readonly bigEndian?: boolean;
}

/** Returns a whole pcapng file with one section, one interface, and all frames in enhanced packet blocks. */
export function pcapngFile(frames: readonly FrameOptions[], options: PcapngOptions = {}): Buffer {
  const section = new PcapngSection(options.bigEndian).describeInterface(options);
  for (const frame of frames) section.enhancedPacket(frame);
  return section.bytes();
}
