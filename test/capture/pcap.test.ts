import { describe, expect, it } from 'vitest';
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { FRAME_BYTES_MAX } from '../../src/capture/pcap.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { readCapture, readFrames } from './capture-items.js';
import { pcapFile, type PcapOptions } from './captures.js';

const FRAMES = [
  { bytes: Buffer.from('first'), time: 1_763_802_651.123456 },
  { bytes: Buffer.from('second, cut'), time: 1_763_802_652.000001, originalLength: 1514 },
  { bytes: Buffer.alloc(0), time: 4_294_967_295.999999 },
];
const FILE_HEADER_LENGTH = 24;

const LAYOUTS: [name: string, options: PcapOptions][] = [
  ['little-endian, microseconds', {}],
  ['big-endian, microseconds', { bigEndian: true }],
  ['little-endian, nanoseconds', { variant: 'nanoseconds' }],
  ['big-endian, nanoseconds', { bigEndian: true, variant: 'nanoseconds' }],
  ['little-endian, longer records', { variant: 'modified' }],
  ['big-endian, longer records', { bigEndian: true, variant: 'modified' }],
];

describe('pcap', () => {
  it('matches a file written byte by byte', () => {
    const file = Buffer.from(
      [
        'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000',
        '5b77216940e20100 04000000 3c000000 deadbeef',
        '5c77216901000000 02000000 02000000 cafe',
      ]
        .join('')
        .replaceAll(' ', ''),
      'hex',
    );
    expect(readFrames(file)).toEqual([
      {
        kind: 'frame',
        number: 1,
        time: 1_763_800_923.123456,
        linkType: 1,
        originalLength: 60,
        bytes: Buffer.from('deadbeef', 'hex'),
      },
      {
        kind: 'frame',
        number: 2,
        time: 1_763_800_924.000001,
        linkType: 1,
        originalLength: 2,
        bytes: Buffer.from('cafe', 'hex'),
      },
    ]);
  });

  it.each(LAYOUTS)('reads back the frames of each layout: %s', (_name, options) => {
    const frames = readFrames(pcapFile(FRAMES, { ...options, linkType: LINK_TYPES.linuxSll2 }));
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

  it('keeps nanoseconds to the precision of a float', () => {
    const [frame] = readFrames(
      pcapFile([{ bytes: Buffer.alloc(1), time: 5.000000001 }], { variant: 'nanoseconds' }),
    );
    expect(frame?.time).toBe(5.000000001);
  });

  it('without frames gives no frame and no fault', () => {
    expect(readCapture(pcapFile([]))).toEqual([]);
  });

  it('may give the frame check sequence length in its link type', () => {
    const [frame] = readFrames(pcapFile(FRAMES, { linkType: 0x24000000 | LINK_TYPES.ethernet }));
    expect(frame?.linkType).toBe(LINK_TYPES.ethernet);
  });

  it.each<[string, PcapOptions]>([
    ['2.2, the original length first', { version: [2, 2], swappedLengths: true }],
    ['2.3, the original length first', { version: [2, 3], swappedLengths: true }],
    ['2.3, the captured length first', { version: [2, 3] }],
  ])('of an old version is read with its lengths in either order: %s', (_name, options) => {
    const frames = readFrames(pcapFile(FRAMES, options));
    expect(frames.map((frame) => frame.bytes)).toEqual(FRAMES.map((frame) => frame.bytes));
    expect(frames.map((frame) => frame.originalLength)).toEqual([5, 1514, 0]);
  });

  it('of version 2.4 never has its lengths swapped, even if they look wrong', () => {
    const frames = readFrames(pcapFile([{ bytes: Buffer.from('padded'), originalLength: 3 }]));
    expect(frames).toMatchObject([{ bytes: Buffer.from('padded'), originalLength: 3 }]);
  });

  it.each<[string, readonly [number, number]]>([
    ['2.5', [2, 5]],
    ['1.4', [1, 4]],
    ['3.0', [3, 0]],
  ])('of version %s is not read', (_name, version) => {
    const fault = { kind: 'fault', fault: 'version-unsupported', at: 0 };
    expect(readCapture(pcapFile(FRAMES, { version }))).toEqual([fault]);
  });

  it('may contain frames up to the limit, and no longer ones', () => {
    const longest = pcapFile([{ bytes: Buffer.alloc(FRAME_BYTES_MAX, 7) }]);
    expect(readFrames(longest)[0]?.bytes.length).toBe(FRAME_BYTES_MAX);

    const write = new ByteWriter(false);
    const lengths = [write.u32(FRAME_BYTES_MAX + 1), write.u32(FRAME_BYTES_MAX + 1)];
    const damaged = Buffer.concat([pcapFile(FRAMES.slice(0, 1)), Buffer.alloc(8), ...lengths]);
    const items = readCapture(damaged);
    expect(items).toHaveLength(2);
    expect(items[1]).toEqual({ kind: 'fault', fault: 'frame-too-large', at: FILE_HEADER_LENGTH + 16 + 5 });
  });
});
