/**
 * The part `core`: what the helper computes for a packet, without the kernel. Short and full segments without
 * announcements, with one in a hundred packets, and with one in each packet; and captured sessions.
 *
 * @module
 */
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { allocatedBy } from './resources.js';
import { newHelper } from './bench-helper.js';
import { capturedPackets, type Dialogue, type Said, DialogueLap, Lap } from './dialogue.js';
import { shareOf, type Column, type Figures, type Part, type Trial } from './trial.js';

export interface Mix {
  readonly name: string;
  /** The mix that says what announcements cost. */
  readonly against?: string;
  /** So many that a lap stays about a megabyte, as the packets that the queue has read at a time. */
  readonly connections: number;
  /** The part of the packets that announces. */
  readonly announced: number;
  /** A hundred packets of each connection. */
  readonly speak: (dialogue: Dialogue) => Said[];
}

const PACKETS_OF_EACH = 100;
const SHORT_CONNECTIONS = 64;
const FULL_CONNECTIONS = 8;
/** Payload of an Ethernet packet without TCP options. */
const FULL_SIZE = 1460;
const TEXT_LINE =
  `${' '.repeat(8)}Text as servers greet with, in lines of the usual length.`.padEnd(71) + '\r\n';

const PORT = 'PORT 10,0,0,1,156,64\r\n';
const PASSIVE = '227 Entering Passive Mode (192,0,2,1,156,64).\r\n';

/** `count` commands with their replies. */
const exchanges = (dialogue: Dialogue, count: number): Said[] =>
  Array.from({ length: count }, () => [
    dialogue.say('client', 'NOOP\r\n'),
    dialogue.say('server', '200 ok\r\n'),
  ]).flat();

/** A reply of several lines that fills a segment, after `first`. */
function fullReply(first = ''): string {
  const opening = `${first}211-Status\r\n`;
  const ending = '211 End';
  const lines = Math.floor((FULL_SIZE - opening.length - ending.length - 2) / TEXT_LINE.length);
  return `${(opening + TEXT_LINE.repeat(lines) + ending).padEnd(FULL_SIZE - 2)}\r\n`;
}

const fullReplies = (dialogue: Dialogue, count: number): Said[] =>
  Array.from({ length: count }, () => dialogue.say('server', fullReply()));

export const MIXES: readonly Mix[] = [
  {
    name: 'short, no announcements',
    connections: SHORT_CONNECTIONS,
    announced: 0,
    speak: (dialogue) => exchanges(dialogue, PACKETS_OF_EACH / 2),
  },
  {
    name: 'short, 1 % announcements',
    against: 'short, no announcements',
    connections: SHORT_CONNECTIONS,
    announced: 0.01,
    speak: (dialogue) => [
      dialogue.say('client', 'PASV\r\n'),
      dialogue.say('server', PASSIVE),
      ...exchanges(dialogue, PACKETS_OF_EACH / 2 - 1),
    ],
  },
  {
    // Each packet of the client announces and asks for the announcement in the answer.
    name: 'short, only announcements',
    against: 'short, no announcements',
    connections: SHORT_CONNECTIONS,
    announced: 1,
    speak: (dialogue) =>
      Array.from({ length: PACKETS_OF_EACH / 2 }, () => [
        dialogue.say('client', `${PORT}PASV\r\n`),
        dialogue.say('server', `200 ok\r\n${PASSIVE}`),
      ]).flat(),
  },
  {
    name: 'full size, no announcements',
    connections: FULL_CONNECTIONS,
    announced: 0,
    speak: (dialogue) => fullReplies(dialogue, PACKETS_OF_EACH),
  },
  {
    name: 'full size, 1 % announcements',
    against: 'full size, no announcements',
    connections: FULL_CONNECTIONS,
    announced: 0.01,
    speak: (dialogue) => [
      ...fullReplies(dialogue, PACKETS_OF_EACH - 2),
      dialogue.say('client', 'PASV\r\n'),
      dialogue.say('server', fullReply(PASSIVE)),
    ],
  },
];

const PACKETS = 2_000_000;
/** By then its code is compiled as it will stay. */
const WARM_UP_PACKETS = 500_000;
const CAPACITY = 1024;
/** Packets between two looks at the heap, and how often that is done. */
const STRETCH = 100;
const STRETCHES = 201;

const COLUMNS: Readonly<Record<string, Column>> = {
  packetsPerSecond: { title: 'packets', unit: 'million/s', decimals: 2, compared: true },
  nanoseconds: { title: 'time', unit: 'ns/packet' },
  gigabytesPerSecond: { title: 'bytes', unit: 'GB/s', decimals: 2 },
  allocated: { title: 'allocated', unit: 'bytes/packet', decimals: 1 },
};

/** A stream of packets without end. */
interface Stream {
  readonly lap: Lap;
  /** The helper that the next lap is for; the packets continue what it has seen. */
  readonly next: () => FtpHelper;
  /** The part of its packets that announces; not known where it is left out. */
  readonly announced?: number;
}

function dialogueStream({ connections, announced, speak }: Mix): Stream {
  const helper = newHelper(CAPACITY);
  const lap = DialogueLap.begin(helper, connections, speak);
  let begun = false;
  return {
    lap,
    announced,
    next: () => {
      if (begun) lap.next();
      begun = true;
      return helper;
    },
  };
}

/** The same connections in each lap: a new helper, which knows none of them. */
function capturedStream(): Stream {
  return { lap: new Lap(capturedPackets()), next: () => newHelper(CAPACITY) };
}

/** Plays at least so many packets in whole laps, and answers how many, and the nanoseconds that they took. */
function play({ lap, next, announced }: Stream, atLeast: number): { packets: number; nanoseconds: number } {
  let packets = 0;
  let nanoseconds = 0;
  while (packets < atLeast) {
    const helper = next();
    const before = helper.counters.expected;
    const began = process.hrtime.bigint();
    lap.play(helper, 0, lap.packets);
    nanoseconds += Number(process.hrtime.bigint() - began);
    packets += lap.packets;
    if (announced !== undefined)
      requireDecided(helper, helper.counters.expected - before, lap.packets * announced);
  }
  return { packets, nanoseconds };
}

/** Throws `Error` where not every announcement was decided for: then something else was measured. */
function requireDecided({ counters }: FtpHelper, expected: number, announced: number): void {
  if (counters.refused === 0 && expected === announced) return;
  throw new Error(`of ${announced} announcements ${expected} were expected, ${counters.refused} refused`);
}

/** Bytes allocated for each packet, over stretches of packets that continue each other. */
function allocation({ lap, next }: Stream, stretches: number): number {
  let helper = next();
  let from = 0;
  const stretch = Math.min(STRETCH, lap.packets);
  const prepare = (): void => {
    if (from + stretch <= lap.packets) return;
    helper = next();
    from = 0;
  };
  const work = (): void => {
    lap.play(helper, from, from + stretch);
    from += stretch;
  };
  return allocatedBy(work, stretches, prepare) / stretch;
}

function measure(stream: Stream, effort: number): Figures {
  play(stream, shareOf(WARM_UP_PACKETS, effort));
  const { packets, nanoseconds } = play(stream, shareOf(PACKETS, effort));
  const bytesEach = stream.lap.bytes.length / stream.lap.packets;
  return {
    packetsPerSecond: (packets * 1e3) / nanoseconds,
    nanoseconds: nanoseconds / packets,
    gigabytesPerSecond: (packets * bytesEach) / nanoseconds,
    allocated: allocation(stream, shareOf(STRETCHES, effort)),
  };
}

const synthetic: readonly Trial[] = MIXES.map((mix) => ({
  name: mix.name,
  ...(mix.against === undefined ? {} : { against: mix.against }),
  measure: (effort) => measure(dialogueStream(mix), effort),
}));

export const core: Part = {
  comparisons: [
    {
      name: 'packets',
      title: 'The helper, packet by packet, in memory',
      columns: COLUMNS,
      trials: [
        ...synthetic,
        { name: 'captured sessions', measure: (effort) => measure(capturedStream(), effort) },
      ],
      goals: [
        { trial: 'short, no announcements', column: 'packetsPerSecond', atLeast: 2 },
        { trial: 'short, no announcements', column: 'allocated', atMost: 0.1 },
        { trial: 'full size, no announcements', column: 'allocated', atMost: 0.1 },
      ],
    },
  ],
};
