/**
 * The part `scale`: memory per connection and time per packet, with few and with many connections; and time per
 * packet by the length of its line.
 *
 * @module
 */
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { keptNow } from './resources.js';
import { newHelper } from './bench-helper.js';
import { Dialogue, setClient, type Said, DialogueLap } from './dialogue.js';
import { shareOf, type Figures, type Part, type Trial } from './trial.js';

export class ControlPackets {
  readonly #helper: FtpHelper;
  readonly #connections: number;
  readonly #dialogue = new Dialogue();

  constructor(helper: FtpHelper, connections: number) {
    this.#helper = helper;
    this.#connections = connections;
  }

  /** Has each connection log in. */
  login(): void {
    const login = this.#dialogue.login();
    for (let number = 0; number < this.#connections; number++) this.#send(login, number);
  }

  /** Has each in turn say a command that announces nothing, and hear its reply; answers how many nanoseconds that took. */
  exchange(): number {
    const exchange = [this.#dialogue.say('client', 'NOOP\r\n'), this.#dialogue.say('server', '200 ok\r\n')];
    const began = process.hrtime.bigint();
    for (let number = 0; number < this.#connections; number++) this.#send(exchange, number);
    return Number(process.hrtime.bigint() - began);
  }

  /** Has each ask for passive mode, and the server announce a port. */
  announce(): void {
    const announcement = [
      this.#dialogue.say('client', 'PASV\r\n'),
      this.#dialogue.say('server', '227 Entering Passive Mode (192,0,2,1,156,64).\r\n'),
    ];
    for (let number = 0; number < this.#connections; number++) this.#send(announcement, number);
  }

  #send(all: readonly Said[], number: number): void {
    for (const said of all) {
      setClient(said, number);
      this.#helper.onPacket({ bytes: said.packet, start: 0, end: said.packet.length, number }, 1);
    }
  }
}

/** The daemon's table by default: its size belongs to the cost. */
const CAPACITY = 262_144;
const CONNECTIONS = [1_000, 10_000, 100_000] as const;
/** Packets of each measurement, in whole rounds of all connections. */
const PACKETS = 800_000;
const WARM_UP_PACKETS = 400_000;
const LINE_LENGTHS = [10, 100, 1000, 1400] as const;
const LINES = 200_000;
const LINE_CONNECTIONS = 64;

const among = (connections: number): string => connections.toLocaleString('en-US');

function measureAmong(full: number, effort: number): Figures {
  const connections = shareOf(full, effort);
  const before = keptNow();
  const helper = newHelper(Math.max(shareOf(CAPACITY, effort), connections));
  const packets = new ControlPackets(helper, connections);
  packets.login();
  const kept = keptNow() - before;
  const round = 2 * connections;
  const rounds = Math.ceil(shareOf(PACKETS, effort) / round);
  for (let played = 0; played < shareOf(WARM_UP_PACKETS, effort); played += round) packets.exchange();
  let nanoseconds = 0;
  for (let number = 0; number < rounds; number++) nanoseconds += packets.exchange();
  packets.announce();
  const { expected } = helper.counters;
  if (expected !== connections) throw new Error(`${expected} announcements of ${connections} were expected`);
  return { bytes: kept / connections, nanoseconds: nanoseconds / (rounds * round) };
}

/** A command and its reply, each a line of `length` bytes and a packet. */
function measureLines(length: number, effort: number): Figures {
  const helper = newHelper(LINE_CONNECTIONS);
  const lap = DialogueLap.begin(helper, LINE_CONNECTIONS, (dialogue) => [
    dialogue.say('client', `${'STAT '.padEnd(length - 2, 'a')}\r\n`),
    dialogue.say('server', `${'200 '.padEnd(length - 2, 'a')}\r\n`),
  ]);
  const laps = Math.ceil(shareOf(LINES, effort) / lap.packets);
  let nanoseconds = 0;
  for (let number = -laps; number < laps; number++) {
    const began = process.hrtime.bigint();
    lap.play(helper, 0, lap.packets);
    // The first half is warming up.
    if (number >= 0) nanoseconds += Number(process.hrtime.bigint() - began);
    lap.next();
  }
  const each = nanoseconds / (laps * lap.packets);
  return { packet: each, byte: each / length };
}

const connectionTrials: readonly Trial[] = CONNECTIONS.map((connections, number) => ({
  name: among(connections),
  ...(number === 0 ? {} : { against: among(CONNECTIONS[0]) }),
  measure: (effort) => measureAmong(connections, effort),
}));

export const scale: Part = {
  comparisons: [
    {
      name: 'connections',
      title: `So many connections at once, in a table for ${among(CAPACITY)}`,
      columns: {
        bytes: { title: 'memory', unit: 'bytes/connection' },
        nanoseconds: { title: 'time', unit: 'ns/packet', compared: true },
      },
      trials: connectionTrials,
      goals: [
        { trial: among(100_000), column: 'bytes', atMost: 600 },
        { trial: among(100_000), column: 'nanoseconds', over: among(1_000), atMost: 1.2 },
      ],
    },
    {
      name: 'lines',
      title: 'A packet with one line, by the length of the line',
      columns: {
        packet: { title: 'time', unit: 'ns/packet' },
        byte: { title: 'time', unit: 'ns/byte', decimals: 2 },
      },
      trials: LINE_LENGTHS.map((length) => ({
        name: `${length} bytes`,
        measure: (effort) => measureLines(length, effort),
      })),
    },
  ],
};
