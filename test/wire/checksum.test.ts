import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  internetChecksum,
  ipv4ChecksumValid,
  tcpChecksumValid,
  writeIpv4Checksum,
  writeTcpChecksum,
} from '../../src/wire/checksum.js';
import { IpView, IPV6_EXTENSIONS } from '../../src/wire/ip.js';
import { tcpPacket, type SegmentOptions } from './packets.js';

/** RFC 1071 §1 literally: adds word by word and folds each carry at once. */
function naiveChecksum(bytes: Uint8Array): number {
  const padded = bytes.length % 2 === 0 ? [...bytes] : [...bytes, 0];
  let sum = 0;
  for (let at = 0; at < padded.length; at += 2) {
    sum += (padded[at] ?? 0) * 256 + (padded[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

/** Returns the checksum of the pseudo header, as drawn in RFC 9293 §3.1 or RFC 8200 §8.1, and the segment. */
function naiveTcpChecksum(packet: Buffer): number {
  const isIpv4 = packet.readUInt8(0) >>> 4 === 4;
  const segment = packet.subarray(isIpv4 ? (packet.readUInt8(0) & 15) * 4 : 40);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(segment.length);
  const pseudoHeader = isIpv4
    ? Buffer.concat([packet.subarray(12, 20), Buffer.of(0, 6), length.subarray(2)])
    : Buffer.concat([packet.subarray(8, 40), length, Buffer.of(0, 0, 0, 6)]);
  const zeroed = Buffer.from(segment);
  zeroed.writeUInt16BE(0, 16);
  return naiveChecksum(Buffer.concat([pseudoHeader, zeroed]));
}

function viewOf(packet: Buffer): IpView {
  const ip = new IpView();
  expect(ip.read(packet, 0, packet.length)).toBeUndefined();
  return ip;
}

const IPV4: SegmentOptions = { source: '10.1.0.2:40000', destination: '10.2.0.2:21' };
const IPV6: SegmentOptions = { source: '[2001:db8:1::2]:40000', destination: '[2001:db8:2::2]:21' };

/** A packet of either family with any payload, including odd lengths. */
const packet = fc
  .tuple(
    fc.constantFrom(IPV4, IPV6),
    fc.uint8Array({ maxLength: 64, size: 'max' }),
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.integer({ min: 0, max: 10 }),
  )
  .map(([endpoints, payload, sequence, optionWords]) =>
    tcpPacket({
      ...endpoints,
      payload,
      sequence,
      tcpOptions: Buffer.alloc(4 * optionWords, 1),
      ipv4Options: Buffer.alloc(4 * (optionWords % 3), 1),
    }),
  );

describe('internetChecksum', () => {
  it.each([
    ['the example of RFC 1071 §3', '0001f203f4f5f6f7', 0x220d],
    ['nothing', '', 0xffff],
    ['zeros', '00000000', 0xffff],
    ['ones', 'ffff', 0],
    ['a single byte', 'ab', 0x54ff],
    ['a sum whose carry carries again', 'fffe0002ffff', 0xfffe],
  ])('of %s', (_name, hex, checksum) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(internetChecksum(bytes, 0, bytes.length)).toBe(checksum);
  });

  it('equals a word-by-word sum for every range', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200, size: 'max' }),
        fc.nat(200),
        fc.nat(200),
        (array, one, other) => {
          const bytes = Buffer.from(array);
          const start = Math.min(one, other, bytes.length);
          const end = Math.min(Math.max(one, other), bytes.length);
          expect(internetChecksum(bytes, start, end)).toBe(naiveChecksum(bytes.subarray(start, end)));
        },
      ),
    );
  });

  it('loses no carry in ranges far longer than a packet', () => {
    const bytes = Buffer.alloc(200_001, 0xff).fill(0xfe, 0, 9);
    expect(internetChecksum(bytes, 0, bytes.length)).toBe(naiveChecksum(bytes));
  });
});

describe('checksums of a packet', () => {
  it('equal the checksums with the pseudo headers of the RFCs', () => {
    fc.assert(
      fc.property(packet, (bytes) => {
        const ip = viewOf(bytes);
        expect(bytes.readUInt16BE(ip.payloadAt + 16)).toBe(naiveTcpChecksum(bytes));
        expect(tcpChecksumValid(bytes, ip)).toBe(true);
        if (ip.family === 4) expect(ipv4ChecksumValid(bytes, 0)).toBe(true);
      }),
    );
  });

  it('detect every change of a single bit', () => {
    for (const endpoints of [IPV4, IPV6]) {
      const bytes = tcpPacket({ ...endpoints, payload: 'odd' });
      const ip = viewOf(bytes);
      const inPseudoHeader = (at: number): boolean => at >= ip.sourceAt;
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 1; bit <= 0x80; bit <<= 1) {
          bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at);
          // The view stays that of the valid packet: the test is not about the lengths in it.
          if (inPseudoHeader(at)) expect(tcpChecksumValid(bytes, ip)).toBe(false);
          if (ip.family === 4 && at > 0 && at < ip.payloadAt) expect(ipv4ChecksumValid(bytes, 0)).toBe(false);
          bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at);
        }
      }
      expect(tcpChecksumValid(bytes, ip)).toBe(true);
    }
  });

  it('are correct after writing, regardless of the old value', () => {
    fc.assert(
      fc.property(packet, fc.integer({ min: 0, max: 0xffff }), (right, wrong) => {
        const bytes = Buffer.from(right);
        const ip = viewOf(bytes);
        bytes.writeUInt16BE(wrong, ip.payloadAt + 16);
        if (ip.family === 4) {
          bytes.writeUInt16BE(wrong, 10);
          writeIpv4Checksum(bytes, 0);
        }
        writeTcpChecksum(bytes, ip);
        expect(bytes).toEqual(right);
      }),
    );
  });

  it('cover only the segment, without the padding after it or the extension headers before it', () => {
    const destinationOptions = { protocol: IPV6_EXTENSIONS.destinationOptions, bytes: Buffer.alloc(8, 0) };
    const plain = tcpPacket({ ...IPV6, payload: 'odd' });
    const extended = tcpPacket({ ...IPV6, payload: 'odd', extensions: [destinationOptions] });
    const padded = Buffer.concat([extended, Buffer.alloc(5, 0xff)]);
    expect(padded.readUInt16BE(48 + 16)).toBe(plain.readUInt16BE(40 + 16));
    expect(tcpChecksumValid(padded, viewOf(padded))).toBe(true);
  });

  it('work on a packet at an odd offset', () => {
    const bytes = Buffer.concat([Buffer.alloc(17, 0xff), tcpPacket({ ...IPV4, payload: 'USER x\r\n' })]);
    const ip = new IpView();
    ip.read(bytes, 17, bytes.length);
    expect(tcpChecksumValid(bytes, ip)).toBe(true);
    expect(ipv4ChecksumValid(bytes, 17)).toBe(true);
    const before = Buffer.from(bytes);
    writeTcpChecksum(bytes, ip);
    writeIpv4Checksum(bytes, 17);
    expect(bytes).toEqual(before);
  });
});
