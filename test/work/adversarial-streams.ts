/**
 * Streams, as prepared packets, that try to cause as much work as possible, in any size.
 *
 * @module
 */
import { sequenceAdd } from '../../src/tcp/sequence.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { tuple } from '../helper/dialogue.js';
import { tcpPacket } from '../wire/packets.js';

const CLIENT = '10.1.0.2:40000';
const SERVER = '10.2.0.2:21';
/** The client's address as the server sees it, under NAT. */
const CLIENT_SEEN = '198.51.100.20:50000';
const CLIENT_FIRST = 0xffff_f000;
const SERVER_FIRST = 9000;
const GREETING = '220 ready\r\n';
const { syn: SYN, ack: ACK } = TCP_FLAGS;

export interface AdversarialStream {
  readonly name: string;
  /** The compared sizes. At each, the stream has passed its start and reached all its limits. */
  readonly sizes: readonly [small: number, large: number];
  readonly translated?: boolean;
  /** Returns about `size` bytes or packets, depending on the stream. */
  readonly packets: (size: number) => Buffer[];
}

/** The two tuples of the connection that carries all streams. */
export const connectionOf = (
  translated: boolean,
): { original: ReturnType<typeof tuple>; reply: ReturnType<typeof tuple> } => ({
  original: tuple(`${CLIENT} > ${SERVER}`),
  reply: tuple(`${SERVER} > ${translated ? CLIENT_SEEN : CLIENT}`),
});

/** Returns a packet of the client, `offset` bytes into its stream. */
const client = (offset: number, payload: string): Buffer =>
  tcpPacket({
    ...{ source: CLIENT, destination: SERVER, flags: ACK, payload },
    sequence: sequenceAdd(CLIENT_FIRST, offset),
    acknowledgment: SERVER_FIRST + GREETING.length,
  });

/** Returns a packet of the server that acknowledges so many bytes of the client. */
const server = (offset: number, payload: string, has: number, seen = CLIENT): Buffer =>
  tcpPacket({
    ...{ source: SERVER, destination: seen, flags: ACK, payload },
    sequence: SERVER_FIRST + offset,
    acknowledgment: sequenceAdd(CLIENT_FIRST, has),
  });

/** SYN-ACK and greeting, sent before each stream. */
export function opening(translated: boolean): Buffer[] {
  const seen = translated ? CLIENT_SEEN : CLIENT;
  const addresses = { source: SERVER, destination: seen, acknowledgment: CLIENT_FIRST };
  return [
    tcpPacket({ ...addresses, sequence: SERVER_FIRST - 1, flags: SYN | ACK }),
    server(0, GREETING, 0, seen),
  ];
}

/** Repeats `text` up to `size` bytes, in segments of `each`. */
function clientSays(text: string, size: number, each: number): Buffer[] {
  const whole = text.repeat(Math.ceil(size / text.length)).slice(0, size);
  return segments(whole, each, client);
}

function serverSays(text: string, size: number, each: number, seen = CLIENT): Buffer[] {
  const whole = text.repeat(Math.ceil(size / text.length)).slice(0, size);
  return segments(whole, each, (offset, payload) => server(GREETING.length + offset, payload, 0, seen));
}

function segments(
  whole: string,
  each: number,
  packet: (offset: number, payload: string) => Buffer,
): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < whole.length; at += each) packets.push(packet(at, whole.slice(at, at + each)));
  return packets;
}

const counted = (size: number, packet: (index: number) => Buffer): Buffer[] =>
  Array.from({ length: size }, (_, index) => packet(index));

const GROUPS = `227 ${'1,2,3,4,5,6 '.repeat(160)}\r\n`;
const ONE_RUN = `227 ${'1,'.repeat(900)}\r\n`;
const PARENTHESES = `229 ${'('.repeat(1900)}\r\n`;
const PORT = 'PORT 10,1,0,2,156,64\r\n';
/** Bytes by which each one lengthens the server's stream. */
const GROWTH = '198,51,100,20'.length - '10,1,0,2'.length;

export const ADVERSARIAL_STREAMS: readonly AdversarialStream[] = [
  { name: 'lines byte by byte', sizes: [1000, 4000], packets: (size) => clientSays('NOOP\r\n', size, 1) },
  {
    name: 'one endless line byte by byte',
    sizes: [4000, 16_000],
    packets: (size) => clientSays('a', size, 1),
  },
  { name: 'one endless line', sizes: [20_000, 80_000], packets: (size) => clientSays('a', size, 1000) },
  { name: 'line feeds only', sizes: [10_000, 40_000], packets: (size) => clientSays('\n', size, 1000) },
  {
    name: 'every second byte missing',
    sizes: [1000, 4000],
    packets: (size) => counted(size, (index) => client(1 + index * 2, 'a')),
  },
  {
    name: 'every second byte missing, backwards from the end',
    sizes: [1000, 4000],
    packets: (size) => counted(size, (index) => client(1 + (size - index) * 2, 'a')),
  },
  {
    name: 'an overlapping ladder',
    sizes: [500, 2000],
    packets: (size) => counted(size, (index) => client(index, 'NOOP\r\n'.repeat(80))),
  },
  {
    name: 'an overlapping ladder ahead of a hole',
    sizes: [4000, 16_000],
    packets: (size) => counted(size, (index) => client(1 + index * 7, 'NOOP\r\n'.repeat(80))),
  },
  {
    name: 'an overlapping ladder ahead of a hole, downwards',
    sizes: [4000, 16_000],
    packets: (size) => counted(size, (index) => client(1 + (size - index) * 7, 'NOOP\r\n'.repeat(80))),
  },
  {
    name: 'the same bytes ahead of a hole, repeatedly',
    sizes: [500, 2000],
    packets: (size) => counted(size, (index) => client(1 + (index % 16) * 1000, 'a'.repeat(1000))),
  },
  {
    name: '227 with many groups',
    sizes: [20_000, 80_000],
    packets: (size) => serverSays(GROUPS, size, 1000),
  },
  {
    name: '227 with one long run',
    sizes: [20_000, 80_000],
    packets: (size) => serverSays(ONE_RUN, size, 1000),
  },
  {
    name: '229 with parentheses only',
    sizes: [20_000, 80_000],
    packets: (size) => serverSays(PARENTHESES, size, 1000),
  },
  {
    name: 'lines of IAC only',
    sizes: [20_000, 80_000],
    packets: (size) => clientSays(`${'\xff'.repeat(1999)}\r\n`, size, 1000),
  },
  {
    name: 'subnegotiations that do not end',
    sizes: [20_000, 80_000],
    packets: (size) => clientSays(`${'\xff\xfa'.repeat(900)}\r\n`, size, 1000),
  },
  {
    name: 'commands without replies',
    sizes: [2000, 8000],
    packets: (size) => clientSays('PASV\r\n', size, 600),
  },
  {
    name: 'many edits, each acknowledged',
    sizes: [200, 800],
    translated: true,
    packets: (size) =>
      counted(size * 2, (index) => {
        const edits = index >> 1;
        if (index % 2 === 0) return client(edits * PORT.length, PORT);
        return server(GREETING.length, '', (edits + 1) * (PORT.length + GROWTH), CLIENT_SEEN);
      }),
  },
  {
    name: 'many edits, none acknowledged',
    sizes: [500, 2000],
    translated: true,
    packets: (size) => counted(size, (index) => client(index * PORT.length, PORT)),
  },
  {
    name: 'an edit that is retransmitted repeatedly',
    sizes: [500, 2000],
    translated: true,
    packets: (size) => counted(size, (index) => client(0, PORT.slice(0, PORT.length - (index % 2)))),
  },
  {
    name: 'an endless 229 byte by byte, under NAT',
    sizes: [8000, 32_000],
    translated: true,
    packets: (size) =>
      segments(`229 ${'a'.repeat(size)}`, 1, (offset, payload) =>
        server(GREETING.length + offset, payload, 0, CLIENT_SEEN),
      ),
  },
];
