/**
 * The packet filters for `-m bpf` that leave pure acknowledgements in the kernel. They match a TCP segment that
 * has payload, or a FIN, which would overtake the payload before it while that waits for the daemon; or that is a
 * SYN-ACK: its sequence number tells where the server's stream begins, and its acknowledgment number where the
 * client's does. The caller's rule has checked that the packet is TCP (`-p tcp`); conntrack has put fragments
 * together, and the IP layer has cut what lies behind the packet's end.
 *
 * @module
 */
import {
  add,
  addX,
  and,
  answer,
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
const PROTOCOL_TCP = 6;
/** RFC 9293 §3.1: a byte whose upper half is the header's length in 32-bit words, then one of flags. */
const TCP_DATA_OFFSET = 12;
const TCP_FLAGS = 13;
const FIN = 0x01;
const SYN_ACK = 0x12;

/** A is the byte with the data offset; afterwards it is the TCP header's length in bytes. */
const dataOffsetToBytes: readonly ProgramLine[] = [shiftRight(2), and(0x3c)];

/** A is the length of all headers. */
const answerIfPayload: readonly ProgramLine[] = [
  copyToX(),
  loadPacketLength(),
  jumpIfAboveX('match'),
  answer(0),
  label('match'),
  answer(1),
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
  ...answerIfPayload,
];

/** Extension headers are rare and their chain is long to walk: such a packet matches as it is. */
const ipv6Program: readonly ProgramLine[] = [
  loadByte(IPV6_NEXT_HEADER),
  jumpUnlessEqual(PROTOCOL_TCP, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_FLAGS),
  and(FIN),
  jumpIfEqual(FIN, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_FLAGS),
  and(SYN_ACK),
  jumpIfEqual(SYN_ACK, 'match'),
  loadByte(IPV6_HEADER_LENGTH + TCP_DATA_OFFSET),
  ...dataOffsetToBytes,
  add(IPV6_HEADER_LENGTH),
  ...answerIfPayload,
];

/** Bytecode per IP version, for `-m bpf --bytecode`. */
export const PAYLOAD_FILTERS = {
  4: assemble(ipv4Program),
  6: assemble(ipv6Program),
} as const;
