/**
 * What the connections of the part `core` say: short segments, as control connections mostly have, and segments as large as
 * they get; with no announcement, with one in a hundred packets, and with one in each.
 *
 * @module
 */
import type { Dialogue, Said } from './dialogue.js';

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

const PACKETS = 100;
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
    speak: (dialogue) => exchanges(dialogue, PACKETS / 2),
  },
  {
    name: 'short, 1 % announcements',
    against: 'short, no announcements',
    connections: SHORT_CONNECTIONS,
    announced: 0.01,
    speak: (dialogue) => [
      dialogue.say('client', 'PASV\r\n'),
      dialogue.say('server', PASSIVE),
      ...exchanges(dialogue, PACKETS / 2 - 1),
    ],
  },
  {
    // Each packet of the client announces and asks for the announcement in the answer.
    name: 'short, only announcements',
    against: 'short, no announcements',
    connections: SHORT_CONNECTIONS,
    announced: 1,
    speak: (dialogue) =>
      Array.from({ length: PACKETS / 2 }, () => [
        dialogue.say('client', `${PORT}PASV\r\n`),
        dialogue.say('server', `200 ok\r\n${PASSIVE}`),
      ]).flat(),
  },
  {
    name: 'full size, no announcements',
    connections: FULL_CONNECTIONS,
    announced: 0,
    speak: (dialogue) => fullReplies(dialogue, PACKETS),
  },
  {
    name: 'full size, 1 % announcements',
    against: 'full size, no announcements',
    connections: FULL_CONNECTIONS,
    announced: 0.01,
    speak: (dialogue) => [
      ...fullReplies(dialogue, PACKETS - 2),
      dialogue.say('client', 'PASV\r\n'),
      dialogue.say('server', fullReply(PASSIVE)),
    ],
  },
];
