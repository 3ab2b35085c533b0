import { describe, expect, it } from 'vitest';
import type { CaptureFaultName } from '../../src/capture/capture.js';
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { FRAME_BYTES_MAX } from '../../src/capture/pcap.js';
import { BLOCK_BYTES_MAX, INTERFACES_MAX } from '../../src/capture/pcapng.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { readCapture, readFrames } from './capture-items.js';
import { pcapngFile } from './captures.js';
import { PcapngSection } from './pcapng-section.js';

const TIME = 1_763_802_651.123456;
const FRAMES = [
  { bytes: Buffer.from('first'), time: TIME },
  { bytes: Buffer.from('second, cut'), time: 1_763_802_652.000001, originalLength: 1514 },
  { bytes: Buffer.alloc(0), time: 0.000001 },
];
const FRAME = { bytes: Buffer.from('frame'), time: TIME };

const BYTE_ORDERS: [name: string, bigEndian: boolean][] = [
  ['little-endian', false],
  ['big-endian', true],
];

/** A section with one Ethernet interface. */
const section = (bigEndian = false): PcapngSection => new PcapngSection(bigEndian).describeInterface();
const u16 = (value: number): Buffer => new ByteWriter(false).u16(value);
const u32 = (value: number): Buffer => new ByteWriter(false).u32(value);

describe('pcapng', () => {
  it('matches a file written byte by byte', () => {
    const file = Buffer.from(
      [
        '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000',
        '01000000 14000000 7100 0000 00000400 14000000',
        '06000000 24000000 00000000 e9430600 d2029649 03000000 40000000 aabbcc00 24000000',
      ]
        .join('')
        .replaceAll(' ', ''),
      'hex',
    );
    expect(readFrames(file)).toEqual([
      {
        kind: 'frame',
        number: 1,
        time: (0x643e9 * 2 ** 32 + 0x499602d2) / 1e6,
        linkType: 113,
        originalLength: 64,
        bytes: Buffer.from('aabbcc', 'hex'),
      },
    ]);
  });

  it.each(BYTE_ORDERS)('reads back its frames: %s', (_name, bigEndian) => {
    const frames = readFrames(pcapngFile(FRAMES, { bigEndian, linkType: LINK_TYPES.linuxSll2 }));
    expect(frames).toEqual(
      FRAMES.map(({ bytes, time, originalLength = bytes.length }, index) => ({
        kind: 'frame',
        number: index + 1,
        time,
        linkType: LINK_TYPES.linuxSll2,
        originalLength,
        bytes,
      })),
    );
  });

  it.each(BYTE_ORDERS)('contains frames in three kinds of blocks: %s', (_name, bigEndian) => {
    const file = section(bigEndian)
      .enhancedPacket({ ...FRAME, originalLength: 60 })
      .obsoletePacket({ ...FRAME, originalLength: 61 })
      .simplePacket(FRAME)
      .bytes();
    expect(readFrames(file)).toMatchObject([
      { number: 1, bytes: FRAME.bytes, time: TIME, originalLength: 60 },
      { number: 2, bytes: FRAME.bytes, time: TIME, originalLength: 61 },
      { number: 3, bytes: FRAME.bytes, time: 0, originalLength: 5 },
    ]);
  });

  it.each([
    ['milliseconds', 3, 1_763_802_651.123],
    ['microseconds', 6, TIME],
    ['nanoseconds', 9, 1_763_802_651.123456789],
    ['picoseconds, close to the epoch', 12, 1_000_000.123456789],
    ['seconds', 0, 1_763_802_651],
    ['whole seconds as a power of 2', 0x80, 1_763_802_651],
    ['a 1024th of a second', 0x8a, 1_763_802_651.5],
    ['2^-20 seconds', 0x94, 1_763_802_651.25],
    ['2^-32 seconds, the fraction of NTP', 0xa0, 1_763_802_651.125],
  ])('counts time in %s', (_name, timeResolution, time) => {
    const frames = readFrames(pcapngFile([{ bytes: Buffer.alloc(1), time }], { timeResolution }));
    expect(frames[0]?.time).toBe(time);
  });

  it.each([6, 9, 0xa0])('keeps microseconds exact with resolution byte %i', (timeResolution) => {
    for (let microseconds = 0; microseconds < 1_000_000; microseconds += 999) {
      const time = Number(`1763802651.${String(microseconds).padStart(6, '0')}`);
      const [frame] = readFrames(pcapngFile([{ bytes: Buffer.alloc(0), time }], { timeResolution }));
      expect(frame?.time.toFixed(6)).toBe(time.toFixed(6));
    }
  });

  it.each([1_000_000_000n, -3600n])('adds an offset of %d seconds to the time', (timeOffset) => {
    for (const bigEndian of [false, true]) {
      const frames = readFrames(pcapngFile([FRAME], { timeOffset, bigEndian }));
      expect(frames[0]?.time).toBe(TIME);
    }
  });

  it('reads the finest clocks that can be written, at any time', () => {
    for (const timeResolution of [0x7f, 0xff]) {
      const file = new PcapngSection()
        .describeInterface({ timeResolution })
        .block(6, Buffer.concat([u32(0), u32(0xffffffff), u32(0xffffffff), u32(0), u32(0)]))
        .bytes();
      expect(readFrames(file)[0]?.time).toBeCloseTo(0, 12);
    }
  });

  it('has a link type and a clock for each interface', () => {
    const file = new PcapngSection()
      .describeInterface({ linkType: LINK_TYPES.ethernet })
      .describeInterface({ linkType: LINK_TYPES.raw, timeResolution: 9 })
      .enhancedPacket(FRAME, 1)
      .enhancedPacket(FRAME, 0)
      .obsoletePacket(FRAME, 1)
      .bytes();
    expect(readFrames(file)).toMatchObject([
      { linkType: LINK_TYPES.raw, time: TIME },
      { linkType: LINK_TYPES.ethernet, time: TIME },
      { linkType: LINK_TYPES.raw, time: TIME },
    ]);
  });

  it('resets byte order and interfaces in each section, but not the frame number', () => {
    const file = Buffer.concat([
      section().enhancedPacket(FRAME).bytes(),
      new PcapngSection(true).describeInterface({ linkType: LINK_TYPES.raw }).enhancedPacket(FRAME).bytes(),
      new PcapngSection().bytes(),
      section().simplePacket(FRAME).bytes(),
    ]);
    expect(readFrames(file)).toMatchObject([
      { number: 1, linkType: LINK_TYPES.ethernet, time: TIME },
      { number: 2, linkType: LINK_TYPES.raw, time: TIME },
      { number: 3, linkType: LINK_TYPES.ethernet },
    ]);

    const orphan = Buffer.concat([section().bytes(), new PcapngSection().enhancedPacket(FRAME).bytes()]);
    expect(readCapture(orphan)).toMatchObject([{ fault: 'interface-unknown' }]);
  });

  it('skips blocks without a frame, known or unknown, and does not count them', () => {
    const file = section()
      .block(4, Buffer.alloc(8))
      .block(5, Buffer.alloc(12))
      .enhancedPacket(FRAME)
      .block(0x0bae, Buffer.alloc(0))
      .block(0x80000001, Buffer.alloc(1000, 6))
      .enhancedPacket(FRAME)
      .block(10, Buffer.alloc(12))
      .bytes();
    expect(readFrames(file).map((frame) => frame.number)).toEqual([1, 2]);
  });

  it.each([
    ['a journal entry', 9],
    ['a system call', 0x204],
    ['a system call, second version', 0x216],
    ['a system call, second version, large', 0x221],
    ['a custom block', 0x0bad],
    ['a custom block that is not to be copied', 0x40000bad],
  ])('counts what Wireshark counts beside frames: %s', (_name, type) => {
    const file = section().enhancedPacket(FRAME).block(type, Buffer.alloc(64)).simplePacket(FRAME).bytes();
    expect(readFrames(file).map((frame) => frame.number)).toEqual([1, 3]);
  });

  it('may have options after a frame, and other options than those of the clock in an interface', () => {
    const nanoseconds = Buffer.concat([u16(9), u16(1), Buffer.of(9, 0, 0, 0)]);
    const comment = Buffer.concat([u16(1), u16(5), Buffer.from('hello\0\0\0'), nanoseconds, u16(0), u16(0)]);
    const interfaceBody = Buffer.concat([
      u16(1),
      u16(0),
      u32(0),
      u16(2),
      u16(3),
      Buffer.from('lo0\0'),
      comment,
    ]);
    const packetBody = Buffer.concat([u32(0), u32(0), u32(7), u32(3), u32(3), Buffer.from('abc\0'), comment]);
    const file = new PcapngSection().block(1, interfaceBody).block(6, packetBody).bytes();
    expect(readFrames(file)).toMatchObject([{ bytes: Buffer.from('abc'), time: 0.000000007 }]);
  });

  it('may omit the end-of-options option', () => {
    const offset = Buffer.concat([u16(14), u16(8), new ByteWriter(false).i64(1000n)]);
    const file = new PcapngSection()
      .block(1, Buffer.concat([u16(1), u16(0), u32(0), offset]))
      .block(6, Buffer.concat([u32(0), u32(0), u32(0), u32(0), u32(0)]))
      .bytes();
    expect(readFrames(file)[0]?.time).toBe(1000);
  });

  it('reads no option after the end of the options', () => {
    const options = Buffer.concat([u16(0), u16(0), u16(9), u16(1), Buffer.of(9, 0, 0, 0)]);
    const file = new PcapngSection()
      .block(1, Buffer.concat([u16(1), u16(0), u32(0), options]))
      .block(6, Buffer.concat([u32(0), u32(0), u32(1_000_000), u32(0), u32(0)]))
      .bytes();
    expect(readFrames(file)[0]?.time).toBe(1);
  });

  it('cuts the frames of simple packet blocks at the snap length of the first interface', () => {
    const file = new PcapngSection()
      .describeInterface({ snapLength: 3 })
      .simplePacket({ bytes: Buffer.from('cut'), originalLength: 5 })
      .simplePacket({ bytes: Buffer.from('ok') })
      .simplePacket({ bytes: Buffer.alloc(0) })
      .bytes();
    expect(readFrames(file)).toMatchObject([
      { bytes: Buffer.from('cut'), originalLength: 5 },
      { bytes: Buffer.from('ok'), originalLength: 2 },
      { bytes: Buffer.alloc(0), originalLength: 0 },
    ]);
  });

  it('may contain frames up to the limit', () => {
    const file = pcapngFile([{ bytes: Buffer.alloc(FRAME_BYTES_MAX, 7) }]);
    expect(readFrames(file)[0]?.bytes.length).toBe(FRAME_BYTES_MAX);
  });

  it('may contain blocks up to the limit', () => {
    const file = section()
      .block(5, Buffer.alloc(BLOCK_BYTES_MAX - 12))
      .enhancedPacket(FRAME)
      .bytes();
    expect(readFrames(file)).toHaveLength(1);
  });

  it('may describe interfaces up to the limit', () => {
    const description = new PcapngSection().describeInterface().bytes().subarray(28);
    const header = new PcapngSection().bytes();
    const most = Array.from({ length: INTERFACES_MAX }, () => description);
    expect(readCapture(Buffer.concat([header, ...most]))).toEqual([]);
    const at = header.length + INTERFACES_MAX * description.length;
    const fault = { kind: 'fault', fault: 'interfaces-too-many', at };
    expect(readCapture(Buffer.concat([header, ...most, description]))).toEqual([fault]);
  });
});

describe('a damaged pcapng file', () => {
  const start = section().enhancedPacket(FRAME).bytes();
  const packet = (...numbers: number[]): Buffer => Buffer.concat(numbers.map(u32));
  /** Returns blocks alone, without the section header that the builder writes first. */
  const block = (type: number, body: Buffer): Buffer =>
    new PcapngSection().block(type, body).bytes().subarray(28);
  const interfaceWith = (options: Buffer): Buffer =>
    block(1, Buffer.concat([u16(1), u16(0), u32(0), options]));

  it.each<[string, Buffer, CaptureFaultName]>([
    ['a block shorter than a block', packet(5, 8, 8), 'block-length-wrong'],
    ['a block length that is no multiple of 4', packet(5, 13, 0, 13), 'block-length-wrong'],
    ['two lengths of a block that differ', packet(5, 16, 0, 12), 'block-length-wrong'],
    ['a block longer than any', packet(5, BLOCK_BYTES_MAX + 4, 0), 'block-too-large'],
    ['a section without a byte order', packet(0x0a0d0d0a, 28, 0x01020304), 'byte-order-unknown'],
    [
      'a section header that is too short',
      packet(0x0a0d0d0a, 24, 0x1a2b3c4d, 1, 0, 24),
      'block-length-wrong',
    ],
    ['a section of another version', packet(0x0a0d0d0a, 28, 0x1a2b3c4d, 2, 0, 0, 28), 'version-unsupported'],
    ['an interface description that is too short', block(1, packet(1)), 'block-length-wrong'],
    [
      'an option that reaches past its block',
      interfaceWith(Buffer.concat([u16(2), u16(1)])),
      'option-malformed',
    ],
    [
      'a clock resolution of two bytes',
      interfaceWith(Buffer.concat([u16(9), u16(2), u32(6)])),
      'option-malformed',
    ],
    [
      'a clock offset of four bytes',
      interfaceWith(Buffer.concat([u16(14), u16(4), u32(6)])),
      'option-malformed',
    ],
    ['an interface that is not described', block(6, packet(1, 0, 0, 0, 0)), 'interface-unknown'],
    ['an interface that is not described, obsolete', block(2, packet(1, 0, 0, 0, 0)), 'interface-unknown'],
    ['an enhanced packet block that is too short', block(6, packet(0, 0, 0, 0)), 'block-length-wrong'],
    ['a simple packet block that is too short', block(3, Buffer.alloc(0)), 'block-length-wrong'],
    ['a frame that reaches past its block', block(6, packet(0, 0, 0, 5, 5, 0)), 'frame-past-block'],
    ['a simple frame that reaches past its block', block(3, packet(5, 0)), 'frame-past-block'],
    ['a frame longer than any', block(6, packet(0, 0, 0, FRAME_BYTES_MAX + 1, 0)), 'frame-too-large'],
  ])('gives the frames before %s, then the fault and where it is', (_name, damage, fault) => {
    const items = readCapture(Buffer.concat([start, damage, start]));
    expect(items).toMatchObject([{ kind: 'frame', bytes: FRAME.bytes }, { kind: 'fault' }]);
    expect(items[1]).toEqual({ kind: 'fault', fault, at: start.length });
  });

  it('reports a simple packet block in a section without interfaces', () => {
    const file = new PcapngSection().simplePacket(FRAME).bytes();
    expect(readCapture(file)).toEqual([{ kind: 'fault', fault: 'interface-unknown', at: 28 }]);
  });
});
