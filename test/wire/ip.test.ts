import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  IP_PROTOCOL_TCP,
  IPV6_EXTENSIONS,
  IPV6_EXTENSIONS_MAX,
  IpView,
  ipAddressAt,
  writeIpLength,
  type IpFault,
} from '../../src/wire/ip.js';
import { ipAddress, ipPacket, tcpPacket, type ExtensionHeader, type IpOptions } from './packets.js';

const IPV4_SOURCE = ipAddress('10.1.0.2');
const IPV4_DESTINATION = ipAddress('10.2.0.2');
const IPV6_SOURCE = ipAddress('2001:db8:1::2');
const IPV6_DESTINATION = ipAddress('2001:db8:2::2');
const PAYLOAD = Buffer.from('payload');

const ipv4 = (options?: IpOptions, payload = PAYLOAD): Buffer =>
  ipPacket(IPV4_SOURCE, IPV4_DESTINATION, IP_PROTOCOL_TCP, payload, options);
const ipv6 = (extensions: readonly ExtensionHeader[] = [], payload = PAYLOAD): Buffer =>
  ipPacket(IPV6_SOURCE, IPV6_DESTINATION, IP_PROTOCOL_TCP, payload, { extensions });

/** Returns `bytes` with one byte changed. */
function withByte(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(value, at);
  return changed;
}

function withWord(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt16BE(value, at);
  return changed;
}

/** Reads a packet, which must be valid. */
function read(bytes: Buffer, start = 0, end = bytes.length): IpView {
  const ip = new IpView();
  expect(ip.read(bytes, start, end)).toBeUndefined();
  return ip;
}

const faultOf = (bytes: Buffer): IpFault | undefined => new IpView().read(bytes, 0, bytes.length);
const payloadOf = (bytes: Buffer, ip: IpView): Buffer => bytes.subarray(ip.payloadAt, ip.end);

/** An extension header of `length` bytes, a multiple of 8. */
const extension = (protocol: number, length = 8): ExtensionHeader => ({
  protocol,
  bytes: withByte(Buffer.alloc(length), 1, length / 8 - 1),
});

/** An authentication header of `length` bytes, a multiple of 4. */
const authentication = (length: number): ExtensionHeader => ({
  protocol: IPV6_EXTENSIONS.authentication,
  bytes: withByte(Buffer.alloc(length), 1, length / 4 - 2),
});

/** A fragment header; `offset` in units of 8 bytes. */
const fragment = (offset: number, more: boolean): ExtensionHeader => ({
  protocol: IPV6_EXTENSIONS.fragment,
  bytes: withWord(withByte(Buffer.alloc(8), 1, 0xff), 2, (offset << 3) | (more ? 1 : 0)),
});

describe('IpView on IPv4', () => {
  it('finds the addresses, the protocol and the payload', () => {
    const bytes = ipv4();
    const ip = read(bytes);
    expect(ip).toMatchObject({ family: 4, headerAt: 0, protocol: 6, fragment: false, cut: false });
    expect(ipAddressAt(bytes, ip.sourceAt, ip.family)).toEqual(IPV4_SOURCE);
    expect(ipAddressAt(bytes, ip.destinationAt, ip.family)).toEqual(IPV4_DESTINATION);
    expect(payloadOf(bytes, ip)).toEqual(PAYLOAD);
  });

  it('reads a packet in the middle of other bytes', () => {
    const bytes = Buffer.concat([Buffer.alloc(14, 0x45), ipv4(), Buffer.alloc(9, 0x45)]);
    const ip = read(bytes, 14, bytes.length - 9);
    expect(ip.headerAt).toBe(14);
    expect(ipAddressAt(bytes, ip.sourceAt, 4)).toEqual(IPV4_SOURCE);
    expect(payloadOf(bytes, ip)).toEqual(PAYLOAD);
  });

  it.each([4, 20, 40])('skips %i bytes of options', (length) => {
    const bytes = ipv4({ ipv4Options: Buffer.alloc(length, 1) });
    expect(payloadOf(bytes, read(bytes))).toEqual(PAYLOAD);
  });

  it('excludes bytes after the total length, such as Ethernet padding', () => {
    const bytes = Buffer.concat([ipv4(), Buffer.alloc(19)]);
    const ip = read(bytes);
    expect(payloadOf(bytes, ip)).toEqual(PAYLOAD);
    expect(ip.cut).toBe(false);
  });

  it('reads a packet that is only a header', () => {
    const bytes = ipv4({}, Buffer.alloc(0));
    expect(read(bytes)).toMatchObject({ payloadAt: 20, end: 20, cut: false });
  });

  it('says when the end of the packet is missing', () => {
    const bytes = ipv4();
    expect(read(bytes, 0, bytes.length - 1)).toMatchObject({ end: bytes.length - 1, cut: true });
    expect(read(bytes, 0, 20)).toMatchObject({ payloadAt: 20, end: 20, cut: true });
  });

  it.each([
    ['the first fragment', { moreFragments: true }, true],
    ['a fragment in the middle', { moreFragments: true, fragmentOffset: 185 }, true],
    ['the last fragment', { fragmentOffset: 0x1fff }, true],
    ['a fragment with the smallest offset', { fragmentOffset: 1 }, true],
    ['a packet that must not be fragmented', { fragmentOffset: 0x4000 }, false],
    ['a packet with the reserved flag', { fragmentOffset: 0x8000 }, false],
  ])('tells whether it is a fragment: %s', (_name, options, expected) => {
    expect(read(ipv4(options)).fragment).toBe(expected);
  });

  it.each<[string, Buffer, IpFault]>([
    ['no byte at all', Buffer.alloc(0), 'ip-header-truncated'],
    ['a header that is cut', ipv4().subarray(0, 19), 'ip-header-truncated'],
    ['options that are cut', ipv4({ ipv4Options: Buffer.alloc(8) }).subarray(0, 27), 'ip-header-truncated'],
    ['version 5', withByte(ipv4(), 0, 0x55), 'ip-version-unknown'],
    ['version 0', withByte(ipv4(), 0, 0x05), 'ip-version-unknown'],
    ['a header of 16 bytes', withByte(ipv4(), 0, 0x44), 'ipv4-header-length-too-small'],
    ['a total length of 19', withWord(ipv4(), 2, 19), 'ipv4-total-length-too-small'],
    ['a total length of 0', withWord(ipv4(), 2, 0), 'ipv4-total-length-too-small'],
    [
      'a total length inside the options',
      withWord(ipv4({ ipv4Options: Buffer.alloc(8) }), 2, 27),
      'ipv4-total-length-too-small',
    ],
  ])('rejects %s', (_name, bytes, fault) => {
    expect(faultOf(bytes)).toBe(fault);
  });
});

describe('IpView on IPv6', () => {
  it('finds the addresses, the protocol and the payload', () => {
    const bytes = ipv6();
    const ip = read(bytes);
    expect(ip).toMatchObject({ family: 6, headerAt: 0, protocol: 6, fragment: false, cut: false });
    expect(ipAddressAt(bytes, ip.sourceAt, ip.family)).toEqual(IPV6_SOURCE);
    expect(ipAddressAt(bytes, ip.destinationAt, ip.family)).toEqual(IPV6_DESTINATION);
    expect(payloadOf(bytes, ip)).toEqual(PAYLOAD);
  });

  it('knows each extension header by its number', () => {
    const chain = Buffer.from(
      [
        '6000000000380040 20010db8000100000000000000000002 20010db8000200000000000000000002',
        '2b00010400000000 3c00000000000000 2c00010400000000 3300000000000000',
        '06040000000000010000000200000000000000000000000b',
      ]
        .join('')
        .replaceAll(' ', ''),
      'hex',
    );
    expect(read(chain)).toMatchObject({ protocol: 6, payloadAt: 96, end: 96, fragment: false });
  });

  it('excludes bytes after the payload length', () => {
    const bytes = Buffer.concat([ipv6(), Buffer.alloc(6)]);
    expect(payloadOf(bytes, read(bytes))).toEqual(PAYLOAD);
  });

  it('says when the end of the packet is missing', () => {
    const bytes = ipv6();
    expect(read(bytes, 0, bytes.length - 1)).toMatchObject({ end: bytes.length - 1, cut: true });
  });

  it.each<[string, readonly ExtensionHeader[]]>([
    ['hop-by-hop options', [extension(IPV6_EXTENSIONS.hopByHop)]],
    ['a long destination options header', [extension(IPV6_EXTENSIONS.destinationOptions, 2048)]],
    ['a routing header', [extension(IPV6_EXTENSIONS.routing, 24)]],
    ['the shortest authentication header', [authentication(12)]],
    ['an authentication header that is no multiple of 8', [authentication(28)]],
    ['an atomic fragment', [fragment(0, false)]],
    [
      'all of them in a row',
      [
        extension(IPV6_EXTENSIONS.hopByHop, 16),
        extension(IPV6_EXTENSIONS.destinationOptions),
        extension(IPV6_EXTENSIONS.routing, 40),
        fragment(0, false),
        authentication(24),
        extension(IPV6_EXTENSIONS.destinationOptions, 32),
      ],
    ],
  ])('skips %s', (_name, extensions) => {
    const bytes = ipv6(extensions);
    const ip = read(bytes);
    expect(ip).toMatchObject({ protocol: IP_PROTOCOL_TCP, fragment: false, cut: false });
    expect(payloadOf(bytes, ip)).toEqual(PAYLOAD);
  });

  it.each([
    ['the first fragment', fragment(0, true)],
    ['a fragment in the middle', fragment(185, true)],
    ['the last fragment', fragment(1, false)],
  ])('stops behind the header of a fragment: %s', (_name, header) => {
    const bytes = ipv6([header, extension(IPV6_EXTENSIONS.destinationOptions)]);
    const ip = read(bytes);
    expect(ip).toMatchObject({ fragment: true, protocol: IPV6_EXTENSIONS.destinationOptions });
    expect(ip.payloadAt).toBe(48);
  });

  it('ignores the reserved bits of a fragment header', () => {
    const header = fragment(0, false);
    const bytes = ipv6([{ ...header, bytes: withWord(Buffer.from(header.bytes), 2, 0x0006) }]);
    expect(read(bytes).fragment).toBe(false);
  });

  it('does not remember that the previous packet was a fragment', () => {
    const ip = new IpView();
    const fragmented = ipv6([fragment(1, true)]);
    ip.read(fragmented, 0, fragmented.length);
    const whole = ipv6();
    ip.read(whole, 0, whole.length);
    expect(ip.fragment).toBe(false);
  });

  it.each([
    ['ESP', 50],
    ['no next header', 59],
    ['mobility', 135],
  ])('does not look behind %s', (_name, protocol) => {
    const bytes = ipPacket(IPV6_SOURCE, IPV6_DESTINATION, protocol, Buffer.alloc(16));
    expect(read(bytes)).toMatchObject({ protocol, payloadAt: 40 });
  });

  it('reads a packet without payload', () => {
    const bytes = ipPacket(IPV6_SOURCE, IPV6_DESTINATION, 59, Buffer.alloc(0));
    expect(read(bytes)).toMatchObject({ payloadAt: 40, end: 40, cut: false });
  });

  it('reads extension headers up to the limit and no more', () => {
    const chain = Array.from({ length: IPV6_EXTENSIONS_MAX }, () =>
      extension(IPV6_EXTENSIONS.destinationOptions),
    );
    expect(read(ipv6(chain)).protocol).toBe(IP_PROTOCOL_TCP);
    const longer = [...chain, extension(IPV6_EXTENSIONS.destinationOptions)];
    expect(faultOf(ipv6(longer))).toBe('ipv6-extensions-too-many');
  });

  it.each<[string, Buffer, IpFault]>([
    ['a header that is cut', ipv6().subarray(0, 39), 'ip-header-truncated'],
    ['a jumbogram', withWord(ipv6([extension(IPV6_EXTENSIONS.hopByHop)]), 4, 0), 'ipv6-jumbogram'],
    [
      'an extension header of which nothing is there',
      ipv6([extension(IPV6_EXTENSIONS.routing)]).subarray(0, 40),
      'ipv6-extension-truncated',
    ],
    [
      'an extension header that begins 7 bytes before the end',
      ipv6([extension(IPV6_EXTENSIONS.routing)]).subarray(0, 47),
      'ipv6-extension-truncated',
    ],
    [
      'an extension header that is longer than the packet',
      ipv6([extension(IPV6_EXTENSIONS.routing, 16)]).subarray(0, 55),
      'ipv6-extension-truncated',
    ],
    [
      'an extension header behind the payload length',
      withWord(ipv6([extension(IPV6_EXTENSIONS.routing)]), 4, 7),
      'ipv6-extension-truncated',
    ],
  ])('rejects %s', (_name, bytes, fault) => {
    expect(faultOf(bytes)).toBe(fault);
  });
});

describe('writeIpLength', () => {
  it.each([
    ['IPv4', ipv4({ ipv4Options: Buffer.alloc(8) })],
    ['IPv6', ipv6([extension(IPV6_EXTENSIONS.routing)])],
  ])('makes an %s packet end where it says', (_name, packet) => {
    const at = 6;
    const bytes = Buffer.concat([Buffer.alloc(at, 0xff), packet, Buffer.alloc(300, 0xff)]);
    for (const length of [packet.length - 1, packet.length + 1, packet.length + 300]) {
      writeIpLength(bytes, at, length);
      expect(read(bytes, at)).toMatchObject({ end: at + length, cut: false });
    }
    writeIpLength(bytes, at, packet.length);
    expect(bytes.subarray(at, at + packet.length)).toEqual(packet);
    expect(bytes.subarray(0, at)).toEqual(Buffer.alloc(at, 0xff));
  });
});

describe('IpView on any input', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const address = (length: number): fc.Arbitrary<Uint8Array> =>
    fc.uint8Array({ minLength: length, maxLength: length });
  const words = (unit: number, maxUnits: number): fc.Arbitrary<Uint8Array> =>
    fc
      .integer({ min: 0, max: maxUnits })
      .chain((units) => fc.uint8Array({ minLength: units * unit, maxLength: units * unit }));
  const chain = fc.array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom(0, 43, 60), fc.integer({ min: 1, max: 6 }))
        .map(([protocol, units]) => extension(protocol, units * 8)),
      fc.integer({ min: 3, max: 9 }).map((units) => authentication(units * 4)),
      fc.constant(fragment(0, false)),
    ),
    { maxLength: IPV6_EXTENSIONS_MAX, size: 'max' },
  );

  it('reads every IPv4 packet that the builder can make', () => {
    fc.assert(
      fc.property(
        fc.record({
          source: address(4),
          destination: address(4),
          protocol: fc.integer({ min: 0, max: 255 }),
        }),
        words(4, 10),
        fc.uint8Array({ maxLength: 100, size: 'max' }),
        fc.uint8Array({ maxLength: 20, size: 'max' }),
        ({ source, destination, protocol }, ipv4Options, payload, padding) => {
          const packet = ipPacket(source, destination, protocol, payload, { ipv4Options });
          const bytes = Buffer.concat([packet, padding]);
          const ip = read(bytes);
          expect(ip).toMatchObject({ family: 4, protocol, fragment: false, cut: false });
          expect(ipAddressAt(bytes, ip.sourceAt, 4)).toEqual(source);
          expect(ipAddressAt(bytes, ip.destinationAt, 4)).toEqual(destination);
          expect(payloadOf(bytes, ip)).toEqual(Buffer.from(payload));
        },
      ),
    );
  });

  it('reads every IPv6 packet that the builder can make', () => {
    fc.assert(
      fc.property(
        fc.record({ source: address(16), destination: address(16), extensions: chain }),
        fc.uint8Array({ maxLength: 100, size: 'max' }),
        fc.uint8Array({ maxLength: 20, size: 'max' }),
        ({ source, destination, extensions }, payload, padding) => {
          const packet = ipPacket(source, destination, IP_PROTOCOL_TCP, payload, { extensions });
          const bytes = Buffer.concat([packet, padding]);
          const ip = read(bytes);
          expect(ip).toMatchObject({ family: 6, protocol: IP_PROTOCOL_TCP, fragment: false, cut: false });
          expect(ipAddressAt(bytes, ip.sourceAt, 6)).toEqual(source);
          expect(ipAddressAt(bytes, ip.destinationAt, 6)).toEqual(destination);
          expect(payloadOf(bytes, ip)).toEqual(Buffer.from(payload));
        },
      ),
    );
  });

  it('reads packets of both families in turn with one view', () => {
    const packets = [ipv4(), ipv6(), tcpPacket({ source: '192.0.2.1:1', destination: '192.0.2.2:2' })];
    const ip = new IpView();
    const families = packets.map((bytes) => {
      ip.read(bytes, 0, bytes.length);
      return ip.family;
    });
    expect(families).toEqual([4, 6, 4]);
  });

  /** Random bytes that are likely to get past the first checks. */
  const almostPacket = fc
    .tuple(
      fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x6f, 0x00),
      fc.uint8Array({ maxLength: 120, size: 'max' }),
      port,
      chain,
    )
    .map(([first, rest, length, extensions]) => {
      const bytes = Buffer.concat([Buffer.of(first), rest]);
      if (first >= 0x60 && bytes.length >= 40) {
        bytes.writeUInt16BE(length % 128, 4);
        bytes.writeUInt8(extensions[0]?.protocol ?? 43, 6);
      }
      if (first < 0x60 && bytes.length >= 20) bytes.writeUInt16BE(length % 128, 2);
      return bytes;
    });

  it('never throws, and never returns a range outside the given one', () => {
    fc.assert(
      fc.property(almostPacket, (bytes) => {
        const ip = new IpView();
        if (ip.read(bytes, 0, bytes.length) !== undefined) return;
        const addressLength = ip.family === 4 ? 4 : 16;
        expect(ip.sourceAt).toBeGreaterThan(0);
        expect(ip.destinationAt + addressLength).toBeLessThanOrEqual(ip.payloadAt);
        expect(ip.payloadAt).toBeLessThanOrEqual(ip.end);
        expect(ip.end).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads no bytes outside its range', () => {
    fc.assert(
      fc.property(almostPacket, fc.constantFrom(0x00, 0x45, 0xff), (bytes, around) => {
        const surroundings = Buffer.alloc(64, around);
        const ip = new IpView();
        const fault = ip.read(bytes, 0, bytes.length);
        const inside = new IpView();
        const insideFault = inside.read(
          Buffer.concat([surroundings, bytes, surroundings]),
          surroundings.length,
          surroundings.length + bytes.length,
        );
        expect(insideFault).toBe(fault);
        if (fault !== undefined) return;
        expect(inside.payloadAt - surroundings.length).toBe(ip.payloadAt);
        expect(inside.end - surroundings.length).toBe(ip.end);
        expect(inside).toMatchObject({ protocol: ip.protocol, fragment: ip.fragment, cut: ip.cut });
      }),
      { numRuns: 1000 },
    );
  });
});
