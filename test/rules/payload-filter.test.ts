import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, returnValue, assemble, jumpIfEqual, label, loadByte } from '../../src/rules/classic-bpf.js';
import { PAYLOAD_FILTERS } from '../../src/rules/payload-filter.js';
import { interpretBpf } from './bpf-interpreter.js';

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const PSH = 0x08;
const ECE = 0x40;

interface Segment {
  /** Number of 32-bit words of IPv4 options, or of TCP options. */
  readonly ipOptionWords: number;
  readonly tcpOptionWords: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

const SEGMENT: Segment = { ipOptionWords: 0, tcpOptionWords: 0, flags: ACK, payload: new Uint8Array() };

function tcpSegment({ tcpOptionWords, flags, payload }: Segment): Uint8Array {
  const segment = new Uint8Array(20 + 4 * tcpOptionWords + payload.length);
  segment.fill(0xff);
  segment[12] = ((5 + tcpOptionWords) << 4) | 0x0f;
  segment[13] = flags;
  segment.set(payload, segment.length - payload.length);
  return segment;
}

function ipv4Packet(segment: Segment): Uint8Array {
  const header = new Uint8Array(20 + 4 * segment.ipOptionWords).fill(0xff);
  header[0] = 0x40 | (5 + segment.ipOptionWords);
  return Uint8Array.of(...header, ...tcpSegment(segment));
}

function ipv6Packet(segment: Segment, nextHeader = 6): Uint8Array {
  const header = new Uint8Array(40).fill(0xff);
  header[6] = nextHeader;
  return Uint8Array.of(...header, ...tcpSegment(segment));
}

const PACKET = { 4: ipv4Packet, 6: ipv6Packet } as const;
const matches = (family: 4 | 6, packet: Uint8Array): boolean =>
  interpretBpf(PAYLOAD_FILTERS[family], packet) !== 0;

const CASES: readonly { name: string; segment: Partial<Segment>; queued: boolean }[] = [
  { name: 'a pure acknowledgement', segment: {}, queued: false },
  { name: 'one with 40 bytes of options', segment: { tcpOptionWords: 10 }, queued: false },
  { name: 'a reset', segment: { flags: RST | ACK }, queued: false },
  { name: 'a FIN', segment: { flags: FIN | ACK }, queued: true },
  {
    name: 'a FIN behind 40 bytes of options',
    segment: { flags: FIN | ACK, tcpOptionWords: 10 },
    queued: true,
  },
  { name: 'a SYN', segment: { flags: SYN, tcpOptionWords: 5 }, queued: false },
  { name: 'a SYN-ACK', segment: { flags: SYN | ACK, tcpOptionWords: 5 }, queued: true },
  { name: 'a SYN-ACK with ECE', segment: { flags: SYN | ACK | ECE }, queued: true },
  { name: 'one byte of payload', segment: { payload: Uint8Array.of(0) }, queued: true },
  {
    name: 'payload behind 40 bytes of options',
    segment: { tcpOptionWords: 10, flags: PSH | ACK, payload: Uint8Array.of(0x50) },
    queued: true,
  },
];

describe.each([4, 6] as const)('the payload filter for IPv%d', (family) => {
  it.each(CASES)('$name: queued $queued', ({ segment, queued }) => {
    expect(matches(family, PACKET[family]({ ...SEGMENT, ...segment }))).toBe(queued);
  });

  it('matches exactly the segments with payload, with FIN, or with SYN and ACK', () => {
    const segments = fc.record({
      ipOptionWords: fc.nat(10),
      tcpOptionWords: fc.nat(10),
      flags: fc.nat(0xff),
      payload: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 80 })),
    });
    fc.assert(
      fc.property(segments, (segment) => {
        const synAck = (segment.flags & SYN) !== 0 && (segment.flags & ACK) !== 0;
        const fin = (segment.flags & FIN) !== 0;
        expect(matches(family, PACKET[family](segment))).toBe(synAck || fin || segment.payload.length > 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('returns a result for any bytes, truncated or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (packet) => {
        expect([0, 1]).toContain(interpretBpf(PAYLOAD_FILTERS[family], packet));
      }),
    );
  });
});

it('IPv6 extension headers: the segment after them is queued without inspection', () => {
  const HOP_BY_HOP = 0;
  expect(matches(6, ipv6Packet(SEGMENT, HOP_BY_HOP))).toBe(true);
});

describe('the assembler', () => {
  it('counts jumps from the next instruction', () => {
    const program = [loadByte(0), jumpIfEqual(7, 'seven'), returnValue(1), label('seven'), returnValue(2)];
    expect(assemble(program)).toBe('4,48 0 0 0,21 1 0 7,6 0 0 1,6 0 0 2');
    expect(interpretBpf(assemble(program), Uint8Array.of(7))).toBe(2);
    expect(interpretBpf(assemble(program), Uint8Array.of(8))).toBe(1);
  });

  it('refuses a backward jump, one too far, and one to an unknown label', () => {
    const far = Array.from({ length: 256 }, () => add(0));
    expect(() => assemble([label('back'), jumpIfEqual(0, 'back'), returnValue(0)])).toThrow(/label back/);
    expect(() => assemble([jumpIfEqual(0, 'far'), ...far, label('far'), returnValue(0)])).toThrow(
      /label far/,
    );
    expect(() => assemble([jumpIfEqual(0, 'nowhere'), returnValue(0)])).toThrow(/label nowhere/);
  });
});
