/**
 * Writes a segment with some of its bytes replaced. Lengths, sequence number and checksums of IP and TCP are
 * correct afterwards. Options and extension headers are copied.
 *
 * @module
 */
import { sequenceAdd, sequenceBefore, sequenceDistance } from '../../tcp/sequence.js';
import type { Forwarding } from './stream-edits.js';
import { writeIpv4Checksum, writeTcpChecksum } from '../../wire/checksum.js';
import { IpView, writeIpLength } from '../../wire/ip.js';
import {
  TCP_FLAGS,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  writeTcpFlags,
  writeTcpSequence,
} from '../../wire/tcp.js';

/** The largest packet that IP's length field, and so a verdict, can hold. */
export const MAX_PACKET = 65_535;

/**
 * Writes the packet of `ip`, which lies in `bytes`, into `into`. Returns its length, or `undefined` if it would be
 * longer than `into`, or than any packet.
 */
export function rewriteSegment(
  bytes: Buffer,
  ip: IpView,
  passing: Forwarding,
  into: Buffer,
): number | undefined {
  const headers = ip.payloadAt - ip.headerAt + tcpHeaderLength(bytes, ip.payloadAt);
  const payloadAt = ip.headerAt + headers;
  const length = headers + passingLength(passing);
  if (length > into.length || length > MAX_PACKET) return undefined;
  const sequence = tcpSequence(bytes, ip.payloadAt);
  bytes.copy(into, 0, ip.headerAt, payloadAt);
  writePayload(bytes, payloadAt, sequence, passing, into.subarray(headers, length));
  const cutShort = sequenceBefore(passing.to, sequenceAdd(sequence, ip.end - payloadAt));
  writeHeaders(into.subarray(0, length), passing.sequence, cutShort);
  return length;
}

/** Returns the number of forwarded payload bytes, edits applied. */
const passingLength = ({ from, to, edits }: Forwarding): number =>
  edits.reduce(
    (sum, { start, end, replacement }) => sum + replacement.length - sequenceDistance(start, end),
    sequenceDistance(from, to),
  );

/** Copies the bytes between the edits, and the replacements in their places. */
function writePayload(
  bytes: Buffer,
  payloadAt: number,
  sequence: number,
  { from, to, edits }: Forwarding,
  into: Buffer,
): void {
  let next = from;
  let at = 0;
  const copy = (upTo: number): void => {
    const offset = payloadAt + sequenceDistance(sequence, next);
    const plain = bytes.subarray(offset, offset + sequenceDistance(next, upTo));
    into.set(plain, at);
    at += plain.length;
  };
  for (const { start, end, replacement } of edits) {
    copy(start);
    into.set(replacement, at);
    at += replacement.length;
    next = end;
  }
  copy(to);
}

function writeHeaders(packet: Buffer, sequence: number, cutShort: boolean): void {
  writeIpLength(packet, 0, packet.length);
  const ip = new IpView();
  const fault = ip.read(packet, 0, packet.length);
  if (fault !== undefined) throw new Error(`a packet that was readable is not any more: ${fault}`);
  writeTcpSequence(packet, ip.payloadAt, sequence);
  // The FIN follows the bytes that were cut off, and is retransmitted with them.
  if (cutShort) writeTcpFlags(packet, ip.payloadAt, tcpFlags(packet, ip.payloadAt) & ~TCP_FLAGS.fin);
  if (ip.family === 4) writeIpv4Checksum(packet, 0);
  writeTcpChecksum(packet, ip);
}
