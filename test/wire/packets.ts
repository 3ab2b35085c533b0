/**
 * Builds packets and frames for tests from what a reader of the test needs: endpoints as text, flags,
 * payload. Lengths and checksums are correct unless a test sets others. `captures.ts` puts packets into
 * files.
 *
 * @module
 */
import { writeIpv4Checksum, writeTcpChecksum } from '../../src/wire/checksum.js';
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { IP_PROTOCOL_TCP, IpView } from '../../src/wire/ip.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';

export type Payload = string | Uint8Array;

/** An IPv6 extension header: its type, and all its bytes. The first byte, the next header, is filled in. */
export interface ExtensionHeader {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

export interface IpOptions {
  /** IPv4 only: options, a multiple of 4 bytes. */
  readonly ipv4Options?: Uint8Array;
  /** IPv4 only: in units of 8 bytes; IPv6 fragments are an extension header. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  /** IPv6 only. */
  readonly extensions?: readonly ExtensionHeader[];
}

export interface SegmentOptions {
  /** `10.1.0.2:40000` or `[2001:db8::1]:40000`. */
  readonly source: string;
  readonly destination: string;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** Bits of TCP_FLAGS; default ACK. */
  readonly flags?: number;
  readonly urgentPointer?: number;
  /** A multiple of 4 bytes. */
  readonly tcpOptions?: Uint8Array;
  /** Text is latin1, so that every byte can be written. */
  readonly payload?: Payload;
}

export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

export const bytesOf = (payload: Payload): Buffer =>
  typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload);

/** Reads `10.1.0.2:21` or `[2001:db8::1]:21`. */
export function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(':');
  return {
    address: ipAddress(text.slice(0, colon).replace(/^\[|\]$/g, '')),
    port: Number(text.slice(colon + 1)),
  };
}

/** Throws if the text is not an address, which exposes typing errors in tests. */
export function ipAddress(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new TypeError(`not an IP address: ${text}`);
  return address;
}

/** Builds a TCP segment in an IP packet of the family of its endpoints. */
export function tcpPacket(options: SegmentOptions & IpOptions): Buffer {
  const source = endpoint(options.source);
  const destination = endpoint(options.destination);
  const packet = ipPacket(
    source.address,
    destination.address,
    IP_PROTOCOL_TCP,
    tcpSegment(source.port, destination.port, options),
    options,
  );
  const ip = new IpView();
  if (ip.read(packet, 0, packet.length) === undefined && !ip.fragment) writeTcpChecksum(packet, ip);
  return packet;
}

/** Builds an IPv4 or IPv6 packet with any payload; the addresses determine the family. */
export function ipPacket(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions = {},
): Buffer {
  return source.length === 4
    ? ipv4Packet(source, destination, protocol, payload, options)
    : ipv6Packet(source, destination, protocol, payload, options);
}

function tcpSegment(sourcePort: number, destinationPort: number, options: SegmentOptions): Buffer {
  const tcpOptions = options.tcpOptions ?? Buffer.alloc(0);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(options.sequence ?? 0, 4);
  header.writeUInt32BE(options.acknowledgment ?? 0, 8);
  header.writeUInt8(((header.length + tcpOptions.length) / 4) << 4, 12);
  header.writeUInt8(options.flags ?? TCP_FLAGS.ack, 13);
  header.writeUInt16BE(0xffff, 14);
  header.writeUInt16BE(options.urgentPointer ?? 0, 18);
  return Buffer.concat([header, tcpOptions, bytesOf(options.payload ?? '')]);
}

function ipv4Packet(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions,
): Buffer {
  const ipv4Options = options.ipv4Options ?? Buffer.alloc(0);
  const header = Buffer.alloc(20);
  const headerLength = header.length + ipv4Options.length;
  header.writeUInt8(0x40 | (headerLength / 4), 0);
  header.writeUInt16BE(headerLength + payload.length, 2);
  header.writeUInt16BE((options.moreFragments === true ? 0x2000 : 0) | (options.fragmentOffset ?? 0), 6);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  header.set(source, 12);
  header.set(destination, 16);
  const packet = Buffer.concat([header, ipv4Options, payload]);
  writeIpv4Checksum(packet, 0);
  return packet;
}

function ipv6Packet(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
  options: IpOptions,
): Buffer {
  const extensions = options.extensions ?? [];
  const chain = extensions.map(({ bytes }, index) => {
    const next = extensions[index + 1]?.protocol ?? protocol;
    return Buffer.concat([Buffer.of(next), bytes.subarray(1)]);
  });
  const rest = Buffer.concat([...chain, payload]);
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(rest.length, 4);
  header.writeUInt8(extensions[0]?.protocol ?? protocol, 6);
  header.writeUInt8(64, 7);
  header.set(source, 8);
  header.set(destination, 24);
  return Buffer.concat([header, rest]);
}

/**
 * Builds an Ethernet frame around an IP packet, tagged with `tagTypes` (0x8100, 0x88a8 …) from the outside
 * in.
 */
export function ethernetFrame(packet: Uint8Array, tagTypes: readonly number[] = []): Buffer {
  const macAddresses = Buffer.from('020000000002020000000001', 'hex');
  const tags = tagTypes.flatMap((type, index) => [type, 100 + index]);
  return Buffer.concat([macAddresses, ...[...tags, etherType(packet)].map(word), packet]);
}

const etherType = (packet: Uint8Array): number => ((packet[0] ?? 0) >>> 4 === 6 ? 0x86dd : 0x0800);

function word(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
