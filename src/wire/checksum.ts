/**
 * The Internet checksum (RFC 1071) of IPv4 headers and TCP segments: to write it into a packet that was
 * changed, and to verify it. The TCP functions take the `IpView` of the packet, whole and not a fragment.
 * The pseudo header takes the destination address from the IP header: a packet on its way through an IPv6
 * routing header, whose last destination stands there instead (RFC 8200 §8.1), is out of scope.
 *
 * @module
 */
import { IPV4_LENGTH, IPV6_LENGTH } from './ip-address.js';
import { ipv4HeaderLength, type IpView } from './ip.js';
import { TCP_CHECKSUM } from './tcp.js';

const IPV4_CHECKSUM = 10; // u16

/** The checksum of `[start, end)`: 0 where a right checksum is among the bytes. An odd last byte is padded with 0. */
export function internetChecksum(bytes: Buffer, start: number, end: number): number {
  return complement(wordSum(bytes, start, end));
}

/** Whether the IPv4 header at `at` carries the right checksum. */
export function ipv4ChecksumValid(bytes: Buffer, at: number): boolean {
  return internetChecksum(bytes, at, at + ipv4HeaderLength(bytes, at)) === 0;
}

/** Writes the checksum into the IPv4 header at `at`. */
export function writeIpv4Checksum(bytes: Buffer, at: number): void {
  bytes.writeUInt16BE(0, at + IPV4_CHECKSUM);
  bytes.writeUInt16BE(internetChecksum(bytes, at, at + ipv4HeaderLength(bytes, at)), at + IPV4_CHECKSUM);
}

/** Whether the TCP segment of the packet carries the right checksum. */
export function tcpChecksumValid(bytes: Buffer, ip: IpView): boolean {
  return complement(pseudoHeaderSum(bytes, ip) + wordSum(bytes, ip.payloadAt, ip.end)) === 0;
}

/** Writes the checksum into the TCP header of the packet. */
export function writeTcpChecksum(bytes: Buffer, ip: IpView): void {
  bytes.writeUInt16BE(0, ip.payloadAt + TCP_CHECKSUM);
  const checksum = complement(pseudoHeaderSum(bytes, ip) + wordSum(bytes, ip.payloadAt, ip.end));
  bytes.writeUInt16BE(checksum, ip.payloadAt + TCP_CHECKSUM);
}

/**
 * RFC 9293 §3.1 and RFC 8200 §8.1. The two layouts have the same sum: addresses, protocol and length, the
 * latter below 2^16 in all that `IpView` reads.
 */
function pseudoHeaderSum(bytes: Buffer, ip: IpView): number {
  const addressLength = ip.family === 4 ? IPV4_LENGTH : IPV6_LENGTH;
  return (
    wordSum(bytes, ip.sourceAt, ip.sourceAt + addressLength) +
    wordSum(bytes, ip.destinationAt, ip.destinationAt + addressLength) +
    ip.protocol +
    (ip.end - ip.payloadAt)
  );
}

/** The sum of the 16-bit words, carries not yet folded: exact for every range that fits in memory. */
function wordSum(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  let at = start;
  for (; at + 1 < end; at += 2) sum += bytes.readUInt16BE(at);
  if (at < end) sum += bytes.readUInt8(at) << 8;
  return sum;
}

/** Folds the carries back in (RFC 1071 §1) and complements. */
function complement(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
