/** What an announcement may cost the kernel, and what is expected after it. The tests give the kernel's answers. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import type { Decision } from '../../src/helper/decision.js';
import { MAX_EXPECT_ATTEMPTS } from '../../src/helper/opener.js';
import { PORT_ATTEMPTS } from '../../src/helper/ports.js';
import { tcpPacket } from '../wire/packets.js';
import { ACK, newHelper, SYN, tuple, type HelperTestOptions, type HelperUnderTest } from './dialogue.js';
import type { FakeConntrack } from './fake-conntrack.js';

const CLIENT = '10.1.0.2:40000';
const SERVER = '10.2.0.2:21';
const original = tuple(`${CLIENT} > ${SERVER}`);
const CLIENT_OUTSIDE = '198.51.100.20:50000';
const reply = tuple(`${SERVER} > ${CLIENT_OUTSIDE}`);

/** `expected` or the reason why not. */
type Outcome = 'expected' | NonNullable<Decision['refusal']>;

/** A connection under SNAT, whose client's announcements have to be rewritten. */
class NatConnection {
  readonly helper: HelperUnderTest;
  readonly kernel: FakeConntrack;
  now = 100;
  #clientNext = 1000;
  #serverNext = 9000;

  constructor(options: HelperTestOptions = {}) {
    this.helper = newHelper({ lookup: () => ({ original, reply, id: 1 }), ...options });
    this.kernel = this.helper.conntrack;
    const flags = SYN | ACK;
    const numbers = { sequence: this.#serverNext - 1, acknowledgment: this.#clientNext };
    this.#segment(tcpPacket({ source: SERVER, destination: CLIENT_OUTSIDE, ...numbers, flags }));
    this.server('220 ready\r\n');
  }

  client(payload: string): Outcome[] {
    const segment = { sequence: this.#clientNext, acknowledgment: this.#serverNext };
    this.#clientNext += payload.length;
    return this.#segment(tcpPacket({ source: CLIENT, destination: SERVER, ...segment, payload }));
  }

  server(payload: string): Outcome[] {
    const segment = { sequence: this.#serverNext, acknowledgment: this.#clientNext };
    this.#serverNext += payload.length;
    return this.#segment(tcpPacket({ source: SERVER, destination: CLIENT_OUTSIDE, ...segment, payload }));
  }

  #segment(packet: Buffer): Outcome[] {
    const { decisions } = this.helper.events;
    const before = decisions.length;
    this.helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: 1 }, this.now);
    return decisions.slice(before).map(({ decision }) => decision.refusal ?? 'expected');
  }
}

const PORT = 'PORT 10,1,0,2,156,64\r\n';

describe('an announcement', () => {
  it('whose ports are all taken costs so many requests, and one look at the adjustment', () => {
    const connection = new NatConnection();
    connection.kernel.expecting = () => 'clash';
    expect(connection.client(PORT)).toEqual(['clash']);
    expect(connection.kernel.asked).toHaveLength(1 + PORT_ATTEMPTS);
    expect(connection.kernel.adjustments).toHaveLength(1);
  });

  it('that cannot be rewritten costs no pinhole', () => {
    const connection = new NatConnection();
    connection.kernel.adjusting = () => 'no-room';
    expect(connection.client(PORT)).toEqual(['no-sequence-adjustment']);
    expect(connection.kernel.asked).toEqual([]);
  });

  it('beyond those that may be under way costs no pinhole', () => {
    const connection = new NatConnection();
    const outcomes = connection.client(PORT.repeat(20));
    expect(outcomes.slice(16)).toEqual(Array(4).fill('too-many-rewrites'));
    expect([connection.kernel.asked.length, connection.kernel.adjustments.length]).toEqual([16, 17]);
  });

  it('beyond those of a client in a second is refused, and asks for nothing', () => {
    const connection = new NatConnection();
    connection.kernel.expecting = () => 'clash';
    const announcements = Array.from({ length: MAX_EXPECT_ATTEMPTS / (1 + PORT_ATTEMPTS) + 2 }, () =>
      connection.client(PORT),
    );
    expect(announcements.at(-1)).toEqual(['too-many-announcements']);
    expect(connection.kernel.asked).toHaveLength(MAX_EXPECT_ATTEMPTS);
    connection.now++;
    expect(connection.client(PORT)).toEqual(['clash']);
  });

  it('beyond those of a client that are not used is refused while the kernel has them', () => {
    const connection = new NatConnection({ maxExpectationsPerClient: 2 });
    const port = (number: number): Outcome[] => connection.client(`PORT 10,1,0,2,156,${number}\r\n`);
    expect([port(1), port(2), port(3)].flat()).toEqual(['expected', 'expected', 'client-limit']);
    // Conntrack's report that they have ended was lost.
    connection.kernel.stillExpected = false;
    expect([port(4), port(5)].flat()).toEqual(['expected', 'expected']);
  });

  it('of a server keeps to the passive ports of the connection', () => {
    const connection = new NatConnection({
      policy: { ...DEFAULT_POLICY, passivePorts: { first: 40_000, last: 40_003 } },
    });
    connection.kernel.expecting = () => 'clash';
    connection.client('EPSV\r\n');
    expect(connection.server('229 ok (|||40000|)\r\n')).toEqual(['clash']);
    const ports = new Set(connection.kernel.asked.map((expectation) => expectation.tuple.destinationPort));
    expect([...ports].every((port) => port >= 40_000 && port <= 40_003)).toBe(true);
  });
});

describe('an expectation whose announcement cannot be rewritten', () => {
  /** The connection ends between the look at the adjustment and its change. */
  const endBeforeAdjustment = (outcome: 'opened' | 'refreshed'): NatConnection => {
    const connection = new NatConnection();
    connection.kernel.expecting = () => outcome;
    connection.kernel.adjusting = () => (connection.kernel.adjustments.length === 1 ? 'adjusted' : 'gone');
    connection.client(PORT);
    expect(connection.helper.events.withdrawals).toHaveLength(1);
    return connection;
  };

  it('is cancelled if it was made for this announcement', () => {
    const { kernel } = endBeforeAdjustment('opened');
    expect(kernel.cancelled).toEqual(kernel.asked);
  });

  it('stays if an earlier announcement made it', () => {
    expect(endBeforeAdjustment('refreshed').kernel.cancelled).toEqual([]);
  });
});
