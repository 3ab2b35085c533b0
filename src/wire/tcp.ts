/**
 * TCP header accessors (RFC 9293 §3.1). Call `tcpFault` once for each segment. The accessors below it do
 * not check bounds and must not be called on a segment that `tcpFault` rejected. `at` is the offset of the
 * header.
 *
 * @module
 */
import { u16At, u32At, u8At } from './big-endian.js';

const SOURCE_PORT = 0; // u16
const DESTINATION_PORT = 2; // u16
const SEQUENCE = 4; // u32
const ACKNOWLEDGMENT = 8; // u32
const DATA_OFFSET = 12; // u4, in 32-bit words
const FLAGS = 13; // u8
const URGENT_POINTER = 18; // u16

/** Offset of the checksum in the header, u16. */
export const TCP_CHECKSUM = 16;
/** Without options. */
export const TCP_HEADER_LENGTH = 20;

/** Bits of `tcpFlags`. */
export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

export type TcpFault = 'tcp-header-truncated' | 'tcp-data-offset-too-small' | 'tcp-data-offset-past-end';

/** Returns why `[at, end)` is not a readable TCP segment, or `undefined` if it is one. */
export function tcpFault(bytes: Buffer, at: number, end: number): TcpFault | undefined {
  if (end - at < TCP_HEADER_LENGTH) return 'tcp-header-truncated';
  const headerLength = tcpHeaderLength(bytes, at);
  if (headerLength < TCP_HEADER_LENGTH) return 'tcp-data-offset-too-small';
  if (headerLength > end - at) return 'tcp-data-offset-past-end';
  return undefined;
}

export const tcpSourcePort = (bytes: Buffer, at: number): number => u16At(bytes, at + SOURCE_PORT);

export const tcpDestinationPort = (bytes: Buffer, at: number): number => u16At(bytes, at + DESTINATION_PORT);

export const tcpSequence = (bytes: Buffer, at: number): number => u32At(bytes, at + SEQUENCE);

/** Writes the sequence number. The caller updates the checksum. */
export function writeTcpSequence(bytes: Buffer, at: number, sequence: number): void {
  bytes.writeUInt32BE(sequence, at + SEQUENCE);
}

/** Meaningful only with `TCP_FLAGS.ack`. */
export const tcpAcknowledgment = (bytes: Buffer, at: number): number => u32At(bytes, at + ACKNOWLEDGMENT);

/** Header length in bytes, options included. The payload begins at `at + tcpHeaderLength`. */
export const tcpHeaderLength = (bytes: Buffer, at: number): number =>
  (u8At(bytes, at + DATA_OFFSET) >>> 4) * 4;

/** `TCP_FLAGS`, with ECE and CWR above them. */
export const tcpFlags = (bytes: Buffer, at: number): number => u8At(bytes, at + FLAGS);

/** Writes the flags. The caller updates the checksum. */
export function writeTcpFlags(bytes: Buffer, at: number, flags: number): void {
  bytes.writeUInt8(flags, at + FLAGS);
}

/** Offset from the sequence number. Meaningful only with `TCP_FLAGS.urg`. */
export const tcpUrgentPointer = (bytes: Buffer, at: number): number => u16At(bytes, at + URGENT_POINTER);
