/**
 * Writes a segment anew with some of its bytes replaced: lengths, sequence number and checksums of IP and TCP are
 * right afterwards. Options and extension headers stay as they are.
 *
 * @module
 */
import { sequenceAdd, sequenceDistance } from '../tcp/sequence.js';
import type { StreamEdit } from '../tcp/stream-edits.js';
import { writeIpv4Checksum, writeTcpChecksum } from '../wire/checksum.js';
import { IpView, writeIpLength } from '../wire/ip.js';
import {
  TCP_FLAGS,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  writeTcpFlags,
  writeTcpSequence,
} from '../wire/tcp.js';

import { growthOf } from './translation.js';

/** What passes of a segment, and how; `StreamEdits.treat` says so. */
export interface Passing {
  readonly sequence: number;
  readonly length: number;
  readonly edits: readonly StreamEdit[];
}

/** The largest packet that IP's own length field, and so a verdict, can hold. */
const MAX_PACKET = 65_535;

/**
 * Writes the packet of `ip`, which lies in `bytes`, into `into`. Answers its length, or `undefined` where it would be
 * longer than `into`, or than any packet.
 */
export function rewriteSegment(
  bytes: Buffer,
  ip: IpView,
  passing: Passing,
  into: Buffer,
): number | undefined {
  const headers = ip.payloadAt - ip.headerAt + tcpHeaderLength(bytes, ip.payloadAt);
  const payloadAt = ip.headerAt + headers;
  const growth = growthOf(passing.edits);
  const length = headers + passing.length + growth;
  if (length > into.length || length > MAX_PACKET) return undefined;
  bytes.copy(into, 0, ip.headerAt, payloadAt);
  writePayload(bytes, payloadAt, tcpSequence(bytes, ip.payloadAt), passing, into.subarray(headers, length));
  const cutShort = payloadAt + passing.length < ip.end;
  writeHeaders(into.subarray(0, length), passing.sequence, cutShort);
  return length;
}

/** The bytes between the edits as they are, the edits' own in their places. */
function writePayload(
  bytes: Buffer,
  payloadAt: number,
  sequence: number,
  passing: Passing,
  into: Buffer,
): void {
  let from = sequence;
  let at = 0;
  const copy = (to: number): void => {
    const offset = payloadAt + sequenceDistance(sequence, from);
    at += bytes.copy(into, at, offset, offset + sequenceDistance(from, to));
  };
  for (const { start, end, replacement } of passing.edits) {
    copy(start);
    into.set(replacement, at);
    at += replacement.length;
    from = end;
  }
  copy(sequenceAdd(sequence, passing.length));
}

function writeHeaders(packet: Buffer, sequence: number, cutShort: boolean): void {
  writeIpLength(packet, 0, packet.length);
  const ip = new IpView();
  const fault = ip.read(packet, 0, packet.length);
  if (fault !== undefined) throw new Error(`a packet that was readable is not any more: ${fault}`);
  writeTcpSequence(packet, ip.payloadAt, sequence);
  // The FIN comes after the bytes that were cut off, and will come again with them.
  if (cutShort) writeTcpFlags(packet, ip.payloadAt, tcpFlags(packet, ip.payloadAt) & ~TCP_FLAGS.fin);
  if (ip.family === 4) writeIpv4Checksum(packet, 0);
  writeTcpChecksum(packet, ip);
}
