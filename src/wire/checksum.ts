/**
 * Verifies and writes the Internet checksum (RFC 1071) of IPv4 headers and TCP segments. The TCP functions
 * take the `IpView` of a whole packet, not of a fragment. The pseudo header uses the destination address
 * from the IP header. A packet with an IPv6 routing header, which carries its final destination there
 * instead (RFC 8200 §8.1), is out of scope.
 *
 * @module
 */
import { IPV4_LENGTH, IPV6_LENGTH } from './ip-address.js';
import { ipv4HeaderLength, type IpView } from './ip.js';
import { TCP_CHECKSUM } from './tcp.js';

const IPV4_CHECKSUM = 10; // u16

/**
 * Returns the checksum of `[start, end)`, or 0 if the range contains a correct checksum. An odd last byte
 * is padded with 0.
 */
export function internetChecksum(bytes: Buffer, start: number, end: number): number {
  return complement(wordSum(bytes, start, end));
}

/** Returns whether the IPv4 header at `at` has a correct checksum. */
export function ipv4ChecksumValid(bytes: Buffer, at: number): boolean {
  return internetChecksum(bytes, at, at + ipv4HeaderLength(bytes, at)) === 0;
}

/** Writes the checksum into the IPv4 header at `at`. */
export function writeIpv4Checksum(bytes: Buffer, at: number): void {
  bytes.writeUInt16BE(0, at + IPV4_CHECKSUM);
  bytes.writeUInt16BE(internetChecksum(bytes, at, at + ipv4HeaderLength(bytes, at)), at + IPV4_CHECKSUM);
}

/** Returns whether the packet's TCP segment has a correct checksum. */
export function tcpChecksumValid(bytes: Buffer, ip: IpView): boolean {
  return complement(pseudoHeaderSum(bytes, ip) + wordSum(bytes, ip.payloadAt, ip.end)) === 0;
}

/** Writes the checksum into the packet's TCP header. */
export function writeTcpChecksum(bytes: Buffer, ip: IpView): void {
  bytes.writeUInt16BE(0, ip.payloadAt + TCP_CHECKSUM);
  const checksum = complement(pseudoHeaderSum(bytes, ip) + wordSum(bytes, ip.payloadAt, ip.end));
  bytes.writeUInt16BE(checksum, ip.payloadAt + TCP_CHECKSUM);
}

/**
 * RFC 9293 §3.1 and RFC 8200 §8.1. Both layouts have the same sum: addresses, protocol and length. The
 * length is below 2^16 in every packet that `IpView` reads.
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

/**
 * Returns the sum of the 16-bit words with the carries not yet folded. The sum is exact for every range
 * that fits in memory.
 */
function wordSum(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  let at = start;
  for (; at + 1 < end; at += 2) sum += bytes.readUInt16BE(at);
  if (at < end) sum += bytes.readUInt8(at) << 8;
  return sum;
}

/** Folds the carries (RFC 1071 §1) and returns the complement. */
function complement(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
