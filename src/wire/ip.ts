/**
 * A view of the IPv4 (RFC 791) or IPv6 (RFC 8200) packet in a borrowed byte range: the offsets of its
 * addresses, its payload and its end. One view is created once and reused for every packet, so reading
 * allocates nothing. The view skips options and extension headers and does not reassemble fragments.
 * Checksums are in checksum.ts.
 *
 * @module
 */
import { u16At, u8At } from './big-endian.js';
import { IPV4_LENGTH, IPV6_LENGTH, type IpAddress } from './ip-address.js';

// IPv4 header, RFC 791 §3.1
const TOTAL_LENGTH = 2; // u16
const FLAGS_AND_OFFSET = 6; // u16: 3 bits of flags, 13 of offset
const IPV4_PROTOCOL = 9; // u8
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const IPV4_HEADER_MIN = 20;
/** More Fragments and the 13 offset bits. A packet with any of these bits set is a fragment. */
const IPV4_FRAGMENT = 0x3fff;

// IPv6 header, RFC 8200 §3
const PAYLOAD_LENGTH = 4; // u16
const NEXT_HEADER = 6; // u8
const IPV6_SOURCE = 8;
const IPV6_DESTINATION = 24;
const IPV6_HEADER_LENGTH = 40;
/** Offset and M flag of a fragment header (RFC 8200 §4.5). The two bits between them are reserved. */
const IPV6_FRAGMENT = 0xfff9;

/** IPPROTO_TCP. */
export const IP_PROTOCOL_TCP = 6;

/** The IPv6 extension headers that `IpView` skips, by IPPROTO_* number. */
export const IPV6_EXTENSIONS = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destinationOptions: 60,
} as const;

/**
 * Maximum number of extension headers to read. A packet in the order of RFC 8200 §4.1 has at most six of
 * the headers above; a longer chain only serves to hide what follows.
 */
export const IPV6_EXTENSIONS_MAX = 8;

export type IpFault =
  | 'ip-header-truncated'
  | 'ip-version-unknown'
  | 'ipv4-header-length-too-small'
  | 'ipv4-total-length-too-small'
  | 'ipv6-jumbogram'
  | 'ipv6-extension-truncated'
  | 'ipv6-extensions-too-many';

/** The result of the last `read`. The fields are undefined before the first `read` and after a fault. */
export class IpView {
  family: 4 | 6 = 4;
  /** Offsets of the IP header, the source address and the destination address. */
  headerAt = 0;
  sourceAt = 0;
  destinationAt = 0;
  /** IPPROTO_* of the payload after the extension headers. */
  protocol = 0;
  /**
   * The payload is `[payloadAt, end)`. Bytes beyond the packet's own length (Ethernet padding) are
   * excluded.
   */
  payloadAt = 0;
  end = 0;
  /** The packet is a fragment, possibly the first. An IPv6 atomic fragment (RFC 6946) counts as whole. */
  fragment = false;
  /** The packet is longer than the given range: a snap length or a copy range cut it. */
  cut = false;

  /** Reads the packet that begins at `start`. `end` is the end of the available bytes. */
  read(bytes: Buffer, start: number, end: number): IpFault | undefined {
    if (end <= start) return 'ip-header-truncated';
    this.headerAt = start;
    const version = u8At(bytes, start) >>> 4;
    if (version === 4) return this.#readIpv4(bytes, start, end);
    if (version === 6) return this.#readIpv6(bytes, start, end);
    return 'ip-version-unknown';
  }

  #readIpv4(bytes: Buffer, start: number, end: number): IpFault | undefined {
    if (end - start < IPV4_HEADER_MIN) return 'ip-header-truncated';
    const headerLength = ipv4HeaderLength(bytes, start);
    if (headerLength < IPV4_HEADER_MIN) return 'ipv4-header-length-too-small';
    const totalLength = u16At(bytes, start + TOTAL_LENGTH);
    if (totalLength < headerLength) return 'ipv4-total-length-too-small';
    if (headerLength > end - start) return 'ip-header-truncated';
    this.family = 4;
    this.sourceAt = start + IPV4_SOURCE;
    this.destinationAt = start + IPV4_DESTINATION;
    this.protocol = u8At(bytes, start + IPV4_PROTOCOL);
    this.payloadAt = start + headerLength;
    this.fragment = (u16At(bytes, start + FLAGS_AND_OFFSET) & IPV4_FRAGMENT) !== 0;
    this.#endAt(start + totalLength, end);
    return undefined;
  }

  #readIpv6(bytes: Buffer, start: number, end: number): IpFault | undefined {
    if (end - start < IPV6_HEADER_LENGTH) return 'ip-header-truncated';
    const payloadLength = u16At(bytes, start + PAYLOAD_LENGTH);
    this.family = 6;
    this.sourceAt = start + IPV6_SOURCE;
    this.destinationAt = start + IPV6_DESTINATION;
    this.protocol = u8At(bytes, start + NEXT_HEADER);
    this.payloadAt = start + IPV6_HEADER_LENGTH;
    this.fragment = false;
    // RFC 2675 §2: the length is in a hop-by-hop option, and exceeds what any queue or capture here can
    // hold.
    if (payloadLength === 0 && this.protocol === IPV6_EXTENSIONS.hopByHop) return 'ipv6-jumbogram';
    this.#endAt(this.payloadAt + payloadLength, end);
    return this.#skipExtensions(bytes);
  }

  /**
   * Moves `protocol` and `payloadAt` past the extension headers. Conntrack skips the same headers
   * (ipv6_skip_exthdr, net/ipv6/exthdrs_core.c). Nothing after a fragment header is examined.
   */
  #skipExtensions(bytes: Buffer): IpFault | undefined {
    for (let count = 0; isExtension(this.protocol); count++) {
      if (count === IPV6_EXTENSIONS_MAX) return 'ipv6-extensions-too-many';
      // Every extension header is at least 8 bytes long and a multiple of 4.
      if (this.end - this.payloadAt < 8) return 'ipv6-extension-truncated';
      const length = extensionLength(bytes, this.payloadAt, this.protocol);
      if (length > this.end - this.payloadAt) return 'ipv6-extension-truncated';
      if (this.protocol === IPV6_EXTENSIONS.fragment) {
        this.fragment = (u16At(bytes, this.payloadAt + 2) & IPV6_FRAGMENT) !== 0;
      }
      this.protocol = u8At(bytes, this.payloadAt);
      this.payloadAt += length;
      if (this.fragment) return undefined;
    }
    return undefined;
  }

  #endAt(own: number, given: number): void {
    this.cut = own > given;
    this.end = this.cut ? given : own;
  }
}

/**
 * Length of the IPv4 header at `at` in bytes, options included. Below 20 in a header that `IpView.read`
 * rejects.
 */
export const ipv4HeaderLength = (bytes: Buffer, at: number): number => (u8At(bytes, at) & 0x0f) * 4;

/**
 * Writes the length of the packet at `at`. `length` includes the header; the written field counts as its
 * family does. Does not update the checksum.
 */
export function writeIpLength(bytes: Buffer, at: number, length: number): void {
  if (u8At(bytes, at) >>> 4 === 4) bytes.writeUInt16BE(length, at + TOTAL_LENGTH);
  else bytes.writeUInt16BE(length - IPV6_HEADER_LENGTH, at + PAYLOAD_LENGTH);
}

/** Returns a copy of the address at `at`. */
export function ipAddressAt(bytes: Buffer, at: number, family: 4 | 6): IpAddress {
  return new Uint8Array(bytes.subarray(at, at + (family === 4 ? IPV4_LENGTH : IPV6_LENGTH)));
}

function isExtension(protocol: number): boolean {
  return (
    protocol === IPV6_EXTENSIONS.hopByHop ||
    protocol === IPV6_EXTENSIONS.routing ||
    protocol === IPV6_EXTENSIONS.fragment ||
    protocol === IPV6_EXTENSIONS.authentication ||
    protocol === IPV6_EXTENSIONS.destinationOptions
  );
}

/** RFC 8200 §4.2: 8-byte units, not counting the first 8 bytes. AH (RFC 4302 §2.2): 4-byte units, minus 2. */
function extensionLength(bytes: Buffer, at: number, protocol: number): number {
  if (protocol === IPV6_EXTENSIONS.fragment) return 8;
  const units = u8At(bytes, at + 1);
  return protocol === IPV6_EXTENSIONS.authentication ? (units + 2) * 4 : (units + 1) * 8;
}
