/**
 * The packet filters for `-m bpf` that keep pure acknowledgments out of the queue. They match three kinds of TCP
 * segments: those with payload; a FIN, which would otherwise overtake payload that waits for the daemon; and a
 * SYN-ACK, whose sequence number shows where the server's stream begins and whose acknowledgment number shows where
 * the client's does. The calling rule has checked that the packet is TCP (`-p tcp`), conntrack has reassembled
 * fragments, and the IP layer has trimmed bytes beyond the packet's end.
 *
 * @module
 */
import { IP_PROTOCOL_TCP } from '../wire/ip.js';
import {
  add,
  addX,
  and,
  returnValue,
  assemble,
  copyToX,
  jumpIfAboveX,
  jumpIfEqual,
  jumpUnlessEqual,
  label,
  loadByte,
  loadByteBehindX,
  loadPacketLength,
  setXToHeaderLength,
  shiftRight,
  type ProgramLine,
} from './classic-bpf.js';

/** RFC 8200 §3. */
const IPV6_NEXT_HEADER = 6;
const IPV6_HEADER_LENGTH = 40;
/** RFC 9293 §3.1: a byte whose upper half is the header length in 32-bit words, then a byte of flags. */
const TCP_DATA_OFFSET = 12;
const TCP_FLAGS = 13;
const FIN = 0x01;
const SYN_ACK = 0x12;

/** In: A is the byte with the data offset. Out: A is the TCP header's length in bytes. */
const dataOffsetToBytes: readonly ProgramLine[] = [shiftRight(2), and(0x3c)];

/** In: A is the length of all headers. */
const matchIfPayload: readonly ProgramLine[] = [
  copyToX(),
  loadPacketLength(),
  jumpIfAboveX('match'),
  returnValue(0),
  label('match'),
  returnValue(1),
];

const ipv4Program: readonly ProgramLine[] = [
  setXToHeaderLength(0),
  loadByteBehindX(TCP_FLAGS),
  and(FIN),
  jumpIfEqual(FIN, 'match'),
  loadByteBehindX(TCP_FLAGS),
  and(SYN_ACK),
  jumpIfEqual(SYN_ACK, 'match'),
  loadByteBehindX(TCP_DATA_OFFSET),
  ...dataOffsetToBytes,
  addX(),
  ...matchIfPayload,
];

/** Extension headers are rare and their chain is long to walk: such a packet always matches. */
const ipv6Program: readonly ProgramLine[] = [
  loadByte(IPV6_NEXT_HEADER),
  jumpUnlessEqual(IP_PROTOCOL_TCP, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_FLAGS),
  and(FIN),
  jumpIfEqual(FIN, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_FLAGS),
  and(SYN_ACK),
  jumpIfEqual(SYN_ACK, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_DATA_OFFSET),
  ...dataOffsetToBytes,
  add(IPV6_HEADER_LENGTH),
  ...matchIfPayload,
];

/** Bytecode per IP version, for `-m bpf --bytecode`. */
export const PAYLOAD_FILTERS = {
  4: assemble(ipv4Program),
  6: assemble(ipv6Program),
} as const;
