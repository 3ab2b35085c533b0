import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAPTURE_FAULTS, CaptureReader, type CaptureFaultName } from '../../src/capture/capture.js';
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { piecesOf, readCapture, readChunks, readFrames } from './capture-items.js';
import { pcapFile, pcapngFile, type PcapVariant } from './captures.js';
import { ethernetFrame, tcpPacket } from '../wire/packets.js';
import { PcapngSection, type FrameOptions } from './pcapng-section.js';

const dialogue = ['220 ready\r\n', 'USER anonymous\r\n', '331 password\r\n'].map((payload, at) => ({
  bytes: ethernetFrame(
    tcpPacket({ source: '10.1.0.2:40000', destination: '10.2.0.2:21', sequence: at * 100, payload }),
  ),
  time: 1_763_802_651 + at / 8,
}));

/** Small files of every format, covering everything that makes reading them different. */
const FILES: [name: string, file: Buffer][] = [
  ['pcap', pcapFile(dialogue)],
  ['pcap, big-endian, longer records', pcapFile(dialogue, { bigEndian: true, variant: 'modified' })],
  ['pcap with an empty frame at its end', pcapFile([...dialogue, { bytes: Buffer.alloc(0) }])],
  ['pcapng', pcapngFile(dialogue, { timeResolution: 9, timeOffset: 1000n })],
  [
    'pcapng of two sections',
    Buffer.concat([
      pcapngFile(dialogue.slice(0, 1), { bigEndian: true }),
      new PcapngSection()
        .describeInterface()
        .describeInterface({ linkType: LINK_TYPES.raw, snapLength: 60 })
        .block(5, Buffer.alloc(20))
        .simplePacket({ bytes: Buffer.from('simple') })
        .obsoletePacket({ bytes: Buffer.from('obsolete') }, 1)
        .block(0x0bad, Buffer.alloc(4))
        .bytes(),
    ]),
  ],
];

describe('CaptureReader', () => {
  it.each(FILES)('gives the same items for every chunk size: %s', (_name, file) => {
    const whole = readCapture(file);
    expect(whole.every((item) => item.kind === 'frame')).toBe(true);
    for (let size = 1; size <= file.length; size++) {
      expect(readChunks(piecesOf(file, size))).toEqual(whole);
    }
  });

  it.each(FILES)('gives the same items cut in two at every byte: %s', (_name, file) => {
    const whole = readCapture(file);
    for (let at = 0; at <= file.length; at++) {
      expect(readChunks([file.subarray(0, at), file.subarray(at)])).toEqual(whole);
    }
  });

  it('gives the same items for arbitrary chunks, including empty ones', () => {
    const anyFile = fc.constantFrom(...FILES.map(([, file]) => file));
    fc.assert(
      fc.property(anyFile, fc.array(fc.nat(700), { maxLength: 30, size: 'max' }), (file, cuts) => {
        const ends = [...cuts.map((cut) => Math.min(cut, file.length)), file.length].sort((a, b) => a - b);
        const chunks = ends.map((end, index) => file.subarray(ends[index - 1] ?? 0, end));
        expect(readChunks(chunks)).toEqual(readCapture(file));
      }),
    );
  });

  it.each(FILES)('gives the whole frames of a truncated file, then one fault: %s', (_name, file) => {
    const frames = readFrames(file);
    const cleanCuts = new Set<number>();
    const faultsAt = new Set<number>();
    for (let length = 1; length < file.length; length++) {
      const items = readCapture(file.subarray(0, length));
      const last = items.at(-1);
      const whole = last?.kind === 'fault' ? items.slice(0, -1) : items;
      expect(whole).toEqual(frames.slice(0, whole.length));
      if (last?.kind !== 'fault') {
        cleanCuts.add(length);
        continue;
      }
      expect(last.fault).toBe(length < 4 ? 'not-a-capture' : 'truncated');
      expect(last.at).toBeLessThan(length);
      faultsAt.add(last.at);
    }
    // The truncated part begins at a possible end of the file: after another record, or after nothing.
    expect(faultsAt).toEqual(new Set([0, ...cleanCuts]));
    expect(cleanCuts.size).toBeGreaterThanOrEqual(frames.length);
  });

  it('reports the offset of the truncated record', () => {
    const file = pcapFile(dialogue);
    const first = 24 + 16 + (dialogue[0]?.bytes.length ?? 0);
    const items = readCapture(file.subarray(0, first + 20));
    expect(items[1]).toEqual({ kind: 'fault', fault: 'truncated', at: first });
  });

  it('reports no fault if a file ends between two records or two blocks', () => {
    const pcap = pcapFile(dialogue);
    expect(readFrames(pcap.subarray(0, 24))).toHaveLength(0);
    expect(readFrames(pcap.subarray(0, 24 + 16 + (dialogue[0]?.bytes.length ?? 0)))).toHaveLength(1);
    expect(readFrames(new PcapngSection().bytes())).toHaveLength(0);
  });

  it.each<[string, Buffer, CaptureFaultName]>([
    ['an empty file', Buffer.alloc(0), 'empty'],
    ['three bytes', Buffer.from('d4c3b2', 'hex'), 'not-a-capture'],
    ['text', Buffer.from('220 ready\r\nUSER anonymous\r\n'), 'not-a-capture'],
    ['zeros', Buffer.alloc(4096), 'not-a-capture'],
    ['a snoop file', Buffer.from('snoop\0\0\0\0\0\0\x02\0\0\0\x04', 'latin1'), 'not-a-capture'],
    ['a compressed capture', gzipSync(pcapFile(dialogue)), 'compressed'],
    ['a zstd frame', Buffer.from('28b52ffd04580000', 'hex'), 'compressed'],
    ['an xz file', Buffer.from('fd377a585a000004', 'hex'), 'compressed'],
    ['a bzip2 file', Buffer.from('BZh91AY&SY'), 'compressed'],
    ['an lz4 frame', Buffer.from('04224d1864407200', 'hex'), 'compressed'],
    ['a zip archive', Buffer.from('PK\x03\x04\x14\0', 'latin1'), 'compressed'],
    [
      'a pcapng file without a byte order',
      Buffer.from('0a0d0d0a1c00000000000000', 'hex'),
      'byte-order-unknown',
    ],
  ])('does not take %s for a capture', (_name, file, fault) => {
    const expected = [{ kind: 'fault', fault, at: 0 }];
    expect(readCapture(file)).toEqual(expected);
    expect(readChunks(piecesOf(file, 1))).toEqual(expected);
  });

  it('gives nothing more after a fault or after the end', () => {
    const reader = new CaptureReader();
    expect([...reader.feed(Buffer.from('text'))]).toMatchObject([{ fault: 'not-a-capture' }]);
    expect([...reader.feed(pcapFile(dialogue))]).toEqual([]);
    expect([...reader.end()]).toEqual([]);

    const ended = new CaptureReader();
    expect([...ended.end()]).toMatchObject([{ fault: 'empty' }]);
    expect([...ended.feed(pcapFile(dialogue))]).toEqual([]);
    expect([...ended.end()]).toEqual([]);
  });

  it('gives items that were not taken with the next chunk or at the end', () => {
    const [first, second] = [pcapFile(dialogue), pcapFile(dialogue).subarray(24)];
    const reader = new CaptureReader();
    for (const item of reader.feed(Buffer.from(first))) {
      expect(item).toMatchObject({ kind: 'frame', number: 1 });
      break;
    }
    reader.feed(Buffer.from(second));
    expect([...reader.end()].map((item) => item.kind === 'frame' && item.number)).toEqual([2, 3, 4, 5, 6]);
  });

  it('does not copy a frame that is whole in one chunk', () => {
    const file = pcapFile(dialogue);
    for (const item of new CaptureReader().feed(file)) {
      expect(item.kind === 'frame' && item.bytes === file).toBe(true);
    }
  });

  it('reports frames cut by the snap length', () => {
    const cut: FrameOptions = { bytes: Buffer.alloc(60), originalLength: 1514 };
    for (const file of [pcapFile([cut]), pcapngFile([cut])]) {
      expect(readFrames(file)).toMatchObject([{ originalLength: 1514, bytes: { length: 60 } }]);
    }
  });

  it('reads back every file that the builder can make', () => {
    const frame = fc.record({
      bytes: fc.uint8Array({ maxLength: 80, size: 'max' }),
      time: fc
        .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 999_999 }))
        .map(([seconds, microseconds]) => seconds + microseconds / 1e6),
      originalLength: fc.integer({ min: 80, max: 0xffffffff }),
    });
    const layout = fc.record({
      linkType: fc.integer({ min: 0, max: 0xffff }),
      bigEndian: fc.boolean(),
      variant: fc.constantFrom<PcapVariant>('microseconds', 'nanoseconds', 'modified'),
      timeResolution: fc.constantFrom(6, 9),
    });
    const builders = fc.constantFrom(pcapFile, pcapngFile);
    fc.assert(
      fc.property(builders, fc.array(frame, { maxLength: 6 }), layout, (build, frames, options) => {
        expect(readFrames(build(frames, options))).toEqual(
          frames.map(({ bytes, time, originalLength }, index) => ({
            kind: 'frame',
            number: index + 1,
            time,
            linkType: options.linkType,
            originalLength,
            bytes: Buffer.from(bytes),
          })),
        );
      }),
    );
  });

  it('never throws on damaged files: gives frames, then at most one fault, all within the bytes read', () => {
    const anyFile = fc.constantFrom(...FILES.map(([, file]) => file));
    const damage = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 12, size: 'max' });
    fc.assert(
      fc.property(anyFile, damage, (file, changes) => {
        const damaged = Buffer.from(file);
        for (const [at, value] of changes) damaged.writeUInt8(value, at % damaged.length);
        const items = readCapture(damaged);
        const fault = items.findIndex((item) => item.kind === 'fault');
        if (fault !== -1) expect(fault).toBe(items.length - 1);
        let bytes = 0;
        for (const item of items) {
          if (item.kind === 'fault') expect(item.at).toBeLessThanOrEqual(damaged.length);
          else bytes += item.bytes.length;
        }
        expect(bytes).toBeLessThan(damaged.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws on random bytes', () => {
    const magic = fc.constantFrom('', 'd4c3b2a1', 'a1b23c4d', '34cdb2a1', '0a0d0d0a', 'd4c3b2a102000400');
    fc.assert(
      fc.property(
        magic,
        fc.uint8Array({ maxLength: 300, size: 'max' }),
        fc.integer({ min: 1, max: 300 }),
        (start, rest, size) => {
          const file = Buffer.concat([Buffer.from(start, 'hex'), rest]);
          expect(readChunks(piecesOf(file, size))).toEqual(readCapture(file));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('has a sentence for every fault', () => {
    for (const sentence of Object.values(CAPTURE_FAULTS)) expect(sentence).toMatch(/^the file .*[^.]$/);
  });
});
