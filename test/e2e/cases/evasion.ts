/**
 * Segments that a reader and a receiver might understand differently. Of each it is said what ours opens, and why that is
 * safe. What an announcement opens leads to its own sender, so a sender who deceives the reader about his own stream gains what
 * he could have announced openly; these cases must show that no more comes of it, and that the next announcement is read.
 *
 * @module
 */
import { TCP_FLAGS } from '../../../src/wire/tcp.js';
import { HEADER_BYTES } from '../../kernel/raw-tcp.js';
import {
  byteAtATime,
  client,
  OK,
  PASSIVE,
  PORT,
  PORT_ELSEWHERE,
  RESTART,
  server,
  type Evasion,
  type SegmentStep,
  type Step,
} from './case.js';

const { syn, ack, psh, fin, rst, urg } = TCP_FLAGS;
/** As long as `PORT`. */
const NO_PORT = `NOOP ${'x'.repeat(PORT.length - 7)}\r\n`;
const EPRT6 = 'EPRT |2|2001:db8:1::2|40000|\r\n';
/** Conntrack lets pass what lies up to a window, of 64 KiB here, beyond the window. */
const BEYOND_WINDOW = 200_000;
const MSS = 88;

const BY_CONNTRACK = 'Conntrack finds it invalid: it matches no rule that queues, and a filter drops it.';
const FIRST_COPY =
  'The first copy of a byte counts, whichever the server takes: both are the client’s own words.';
const WHOLE_DATAGRAMS = 'Conntrack puts fragments together before the queue; the server gets what was read.';

const evasion = (
  name: string,
  why: string,
  opens: readonly number[],
  ...steps: readonly Step[]
): Evasion => ({ name, why, opens, steps, refuses: [] });

/** A segment that conntrack finds invalid, and a PORT after it, which is read. */
const invalid = (name: string, why: string, segment: SegmentStep): Evasion =>
  evasion(name, why, [40_000], { ...segment, aside: true, fate: 'invalid' }, client(PORT), OK);

/** Byte ranges of a segment of `length` bytes of payload, cut at these places. */
const ranges = (length: number, ...places: readonly number[]): [number, number][] => {
  const edges = [0, ...places, HEADER_BYTES + length];
  return edges.slice(1).map((end, at) => [edges[at] ?? 0, end]);
};

const COPIES: readonly Evasion[] = [
  evasion(
    'overlap that differs: the end first, then all with another end',
    FIRST_COPY,
    [40_000],
    client(PORT.slice(10), { at: 10 }),
    client(PORT_ELSEWHERE, { at: 0 }),
    OK,
  ),
  evasion(
    'retransmission that differs: another PORT',
    FIRST_COPY,
    [40_000],
    client(PORT),
    client(PORT_ELSEWHERE, { at: 0 }),
    OK,
  ),
  evasion(
    'retransmission that differs: first no PORT, then one',
    FIRST_COPY,
    [],
    client(NO_PORT),
    client(PORT, { at: 0 }),
    OK,
  ),
  evasion(
    'PORT that begins in bytes that were read before',
    'What was read is passed over, as receivers do; the rest is no command.',
    [40_000],
    client(PORT_ELSEWHERE, { at: -10 }),
    server('500 what?\r\n'),
    client(PORT),
    OK,
  ),
  evasion(
    'PORT ahead of a hole that is never filled',
    'Bytes are read in order only: what lies behind a hole waits, and is forgotten with the connection.',
    [40_000],
    client(PORT_ELSEWHERE, { at: 40_000, aside: true }),
    client(PORT),
    OK,
  ),
  evasion(
    'PORT, a byte a segment, in reverse order',
    'Up to 16 KiB ahead of a hole are held for each direction.',
    [40_000],
    ...byteAtATime(client, PORT).reverse(),
    OK,
  ),
  evasion(
    `PORT across a segment boundary with an MSS of ${MSS}`,
    'Lines are read from the stream; where it is cut does not matter.',
    [40_000],
    client(`NOOP ${'x'.repeat(MSS - 15)}\r\n${PORT.slice(0, 8)}`),
    client(PORT.slice(8)),
    server('200 ok\r\n200 ok\r\n'),
  ),
];

const NUMBERS: readonly Evasion[] = [
  invalid('PORT with a wrong TCP checksum', BY_CONNTRACK, client(PORT_ELSEWHERE, { wrongChecksum: true })),
  invalid('PORT beyond the window', BY_CONNTRACK, client(PORT_ELSEWHERE, { at: BEYOND_WINDOW })),
  invalid(
    'reply that acknowledges bytes nobody sent',
    BY_CONNTRACK,
    server('200 ok\r\n', { acknowledges: 1000 }),
  ),
  invalid('PORT without ACK', BY_CONNTRACK, client(PORT_ELSEWHERE, { flags: psh })),
  invalid('PORT with SYN and FIN', BY_CONNTRACK, client(PORT_ELSEWHERE, { flags: syn | fin })),
  invalid(
    'FIN beyond the window',
    BY_CONNTRACK,
    client(PORT_ELSEWHERE, { flags: fin | ack, at: BEYOND_WINDOW }),
  ),
  invalid(
    'RST beyond the window',
    BY_CONNTRACK,
    client(PORT_ELSEWHERE, { flags: rst | ack, at: BEYOND_WINDOW }),
  ),
  evasion(
    'PORT from far behind the stream',
    'Conntrack takes it for a late copy and lets it pass; what lies behind the stream has been read, and is not read again.',
    [40_000],
    client(PORT_ELSEWHERE, { at: -BEYOND_WINDOW, aside: true }),
    client(PORT),
    OK,
  ),
  evasion(
    'FIN with a wrong number within the window',
    'It ends the stream at its number, not before; a client that lies about its end is not read beyond it.',
    [40_000],
    client(PORT_ELSEWHERE, { flags: fin | ack, at: 100, aside: true }),
    client(PORT),
    OK,
  ),
  evasion(
    'PORT after the FIN',
    'Nothing belongs to a stream that comes after its end.',
    [],
    client('NOOP\r\n', { flags: fin | psh | ack }),
    client(PORT, { at: 7 }),
    OK,
  ),
  evasion(
    'RST with a wrong number within the window',
    'Only a reset with exactly the next number ends a connection (RFC 9293 §3.5.3); its payload is never read.',
    [40_000],
    client(PORT_ELSEWHERE, { flags: rst | ack, at: 500, aside: true }),
    client(PORT),
    OK,
  ),
  evasion(
    'SYN with a PORT in the middle of a connection',
    'It opens no new connection while conntrack has the old one, and nothing of it is read.',
    [40_000],
    client(PORT_ELSEWHERE, { flags: syn, at: 1, aside: true }),
    client(PORT),
    OK,
  ),
  evasion(
    'SYN-ACK that acknowledges into a line, after a restart of the daemon',
    'Conntrack knows that the connection is under way. It is picked up where bytes are seen, and read from the next line end on.',
    [40_001],
    RESTART,
    server('', { flags: syn | ack, at: 0, acknowledges: 9 }),
    server('220 ready\r\n'),
    client(`RETR aaaa${PORT}`),
    server('550 no\r\n'),
    client(PORT_ELSEWHERE),
    OK,
  ),
  {
    ...evasion(
      'PORT on the SYN, not accepted by the server',
      'A SYN is not queued; the stream begins where the SYN-ACK says, and what is sent again is read then.',
      [40_000],
      client(PORT_ELSEWHERE, { flags: syn, aside: true }),
      server('', { flags: syn | ack }),
      client(''),
      server('220 ready\r\n'),
      client(PORT),
      OK,
    ),
    opening: 'nothing',
  },
  {
    ...evasion(
      'PORT on the SYN, accepted by the server',
      'A SYN is not queued, so that its bytes open nothing; the stream begins behind them.',
      [40_000],
      client(PORT_ELSEWHERE, { flags: syn }),
      server('', { flags: syn | ack }),
      client(''),
      server('220 ready\r\n200 ok\r\n'),
      client(PORT),
      OK,
    ),
    opening: 'nothing',
  },
  evasion(
    'keep-alives, with and without a byte',
    'They repeat the number before the next one, which has been read.',
    [40_000],
    client('x', { at: -1 }),
    server(''),
    client('', { at: -1 }),
    server(''),
    client(PORT),
    OK,
  ),
  evasion(
    'zero-window probes',
    'Each is a first byte of the stream, and is read once, however often it is sent.',
    [40_000],
    server('', { window: 0 }),
    client('P'),
    server('', { window: 0, acknowledges: 0 }),
    client('P', { at: 0 }),
    server('', { acknowledges: 0 }),
    client(PORT, { at: 0 }),
    OK,
  ),
];

const URGENT = { flags: psh | ack | urg } as const;

const READINGS: readonly Evasion[] = [
  evasion(
    'urgent byte within PORT',
    'Urgent bytes are read like others (RFC 6093). A server that leaves them out reads a command that opens nothing here.',
    [40_000],
    client('PORXT 10,1,0,2,156,65\r\n', { ...URGENT, urgentPointer: 4 }),
    server('500 what?\r\n'),
    client(PORT),
    OK,
  ),
  evasion(
    'telnet’s urgent signal before ABOR, then PORT',
    'Telnet sequences are skipped (RFC 854), urgent or not.',
    [40_000],
    client('\xff\xf4\xff', { ...URGENT, urgentPointer: 3 }),
    client('\xf2ABOR\r\n'),
    server('226 ok\r\n'),
    client(PORT),
    OK,
  ),
  evasion(
    'PORT with a TTL that ends here, then other words with its numbers',
    'The server never reads the PORT, but it is the client’s: it opened its own port, to this server alone.',
    [40_000, 40_001],
    client(PORT, { hops: 1, fate: 'lost' }),
    client(NO_PORT),
    OK,
    client(PORT_ELSEWHERE),
    OK,
  ),
  evasion(
    '227 with a TTL that ends here, then other words with its numbers',
    'The client never reads the 227, but it is the server’s: it opened its own port, to this client alone.',
    [40_000],
    client('PASV\r\n'),
    server(PASSIVE, { hops: 1, fate: 'lost' }),
    server(`500 ${'x'.repeat(PASSIVE.length - 6)}\r\n`),
  ),
  evasion(
    'IPv4 fragments',
    WHOLE_DATAGRAMS,
    [40_000],
    client(PORT, { fragments: ranges(PORT.length, 24, 32) }),
    OK,
  ),
  evasion(
    'IPv4 fragments in reverse order, a cut in the TCP header',
    WHOLE_DATAGRAMS,
    [40_000],
    client(PORT, { fragments: ranges(PORT.length, 8, 24, 32).reverse() }),
    OK,
  ),
  evasion(
    'IPv4 fragments that overlap',
    'The kernel throws such datagrams away before anybody reads them; sent again, the PORT is read.',
    [40_000],
    client(PORT_ELSEWHERE, {
      ...{
        fragments: [
          [0, 32],
          [24, HEADER_BYTES + PORT.length],
        ],
      },
      fate: 'lost',
    }),
    client(PORT),
    OK,
  ),
  {
    ...evasion(
      'IPv6 fragments in reverse order',
      WHOLE_DATAGRAMS,
      [40_000],
      client(EPRT6, { fragments: ranges(EPRT6.length, 24, 40).reverse() }),
      OK,
    ),
    family: 6,
  },
  {
    ...evasion(
      'IPv6 fragments that overlap',
      'The kernel throws such datagrams away (RFC 5722) before anybody reads them; sent again, the EPRT is read.',
      [40_000],
      client(EPRT6, {
        ...{
          fragments: [
            [0, 32],
            [24, HEADER_BYTES + EPRT6.length],
          ],
        },
        fate: 'lost',
      }),
      client(EPRT6),
      OK,
    ),
    family: 6,
  },
  {
    ...evasion(
      'IPv6 destination options before the segment',
      'Extension headers are skipped as conntrack skips them.',
      [40_000],
      client(EPRT6, { destinationOptions: true }),
      OK,
    ),
    family: 6,
  },
];

export const EVASIONS: readonly Evasion[] = [...COPIES, ...NUMBERS, ...READINGS];
