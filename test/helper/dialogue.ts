/**
 * A control connection for tests of the helper: says lines as packets with the right numbers, and keeps what the
 * helper decides. The packet's memory is overwritten afterwards, as a queue's slab is.
 *
 * @module
 */
import { DEFAULT_POLICY, type Policy } from '../../src/ftp/policy.js';
import { decisionRecord, type DecisionRecord } from '../../src/helper/decision.js';
import type { HelperEvents } from '../../src/helper/events.js';
import { FtpHelper, type FtpHelperOptions } from '../../src/helper/ftp-helper.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { formatTuple, type Tuple } from '../../src/wire/tuple.js';
import { endpoint, tcpPacket } from '../wire/packets.js';
import { FakeConntrack, RecordedEvents, type Lookup } from './fake-conntrack.js';

export const { syn: SYN, ack: ACK, fin: FIN, rst: RST } = TCP_FLAGS;

/** A helper, the conntrack that it asks, and what it reported. */
export class HelperUnderTest extends FtpHelper {
  readonly conntrack: FakeConntrack;
  readonly events: RecordedEvents;

  /** @param events  told in place of the record */
  constructor(options: FtpHelperOptions, conntrack: FakeConntrack, events?: HelperEvents) {
    const record = new RecordedEvents();
    super(options, conntrack, events ?? record);
    this.conntrack = conntrack;
    this.events = record;
  }

  /** The tuples of what is expected, as text. */
  get expectedTuples(): string[] {
    return this.conntrack.asked.map(({ tuple: expected }) => formatTuple(expected));
  }
}

export interface HelperTestOptions extends Partial<FtpHelperOptions> {
  readonly lookup?: Lookup;
}

export const MANY = 1_000_000;

/** A small helper with room for everything, whose hash and choice of ports are always the same. */
export const TEST_OPTIONS: FtpHelperOptions = {
  policy: DEFAULT_POLICY,
  ports: [21],
  capacity: 64,
  maxConnectionsPerClient: 64,
  maxExpectationsPerClient: MANY,
  idleSeconds: 0,
  seed: 1,
  random: () => 0.5,
  maxOutOfOrderTotal: 1024 * 1024,
};

export const newHelper = ({ lookup, ...options }: HelperTestOptions = {}): HelperUnderTest =>
  new HelperUnderTest({ ...TEST_OPTIONS, ...options }, new FakeConntrack(lookup));

export const withPolicy = (policy: Partial<Policy>): HelperUnderTest =>
  newHelper({ policy: { ...DEFAULT_POLICY, ...policy } });

/** `10.1.0.2:40000 > 10.2.0.2:21` as a tuple. */
export function tuple(text: string): Tuple {
  const [from = '', to = ''] = text.split(' > ');
  const source = endpoint(from);
  const destination = endpoint(to);
  return {
    source: source.address,
    sourcePort: source.port,
    destination: destination.address,
    destinationPort: destination.port,
  };
}

export interface Parties {
  readonly client: string;
  readonly server: string;
}

export const IPV4: Parties = { client: '10.1.0.2:40000', server: '10.2.0.2:21' };
export const IPV6: Parties = { client: '[2001:db8:1::2]:40000', server: '[2001:db8:2::2]:21' };

/** Numbers shortly before the wrap, so that most tests cross it. */
const CLIENT_ISN = 0xffff_fff0;
const SERVER_ISN = 0xffff_ffe0;

export class Dialogue {
  readonly decisions: DecisionRecord[] = [];
  clientNext = CLIENT_ISN + 1;
  serverNext = SERVER_ISN + 1;
  #packet = 0;
  now = 1000;

  readonly helper: HelperUnderTest;
  readonly parties: Parties;

  constructor(helper: HelperUnderTest, parties: Parties = IPV4) {
    this.helper = helper;
    this.parties = parties;
  }

  /** The SYN-ACK, which is the first that a queue sees of a connection. */
  open(): this {
    return this.segment('server', SERVER_ISN, '', SYN | ACK, CLIENT_ISN + 1);
  }

  /** The usual beginning, up to where the client may announce. */
  login(): this {
    return this.open()
      .server('220 ready\r\n')
      .client('USER ftp\r\n')
      .server('331 password\r\n')
      .client('PASS x\r\n')
      .server('230 in\r\n');
  }

  client(text: string): this {
    this.segment('client', this.clientNext, text);
    this.clientNext += text.length;
    return this;
  }

  server(text: string): this {
    this.segment('server', this.serverNext, text);
    this.serverNext += text.length;
    return this;
  }

  /** Any segment; numbers are taken modulo 2^32, the acknowledgement is what the other side has sent. */
  segment(
    from: 'client' | 'server',
    sequence: number,
    payload: string,
    flags: number = ACK,
    acknowledgment?: number,
  ): this {
    const [source, destination] =
      from === 'client'
        ? [this.parties.client, this.parties.server]
        : [this.parties.server, this.parties.client];
    const other = from === 'client' ? this.serverNext : this.clientNext;
    const options = {
      source,
      destination,
      sequence: sequence >>> 0,
      acknowledgment: (acknowledgment ?? other) >>> 0,
    };
    return this.packet(tcpPacket({ ...options, flags, payload }));
  }

  /** Any packet. */
  packet(packet: Buffer): this {
    this.#packet++;
    this.now += 0.001;
    const { decisions } = this.helper.events;
    const before = decisions.length;
    this.helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: this.#packet }, this.now);
    for (const { decision, told } of decisions.slice(before)) {
      this.decisions.push(decisionRecord(decision, told));
    }
    packet.fill(0xee);
    return this;
  }

  /** `PORT 10.1.0.2:1025 expected`, `227 10.2.0.2:2000 refused unsolicited-reply`. */
  get summary(): string[] {
    return this.decisions.map(({ announcement, address, port, decision, reason }) =>
      [
        announcement,
        `${address ?? '?'}:${port ?? '?'}`,
        decision,
        ...(reason === undefined ? [] : [reason]),
      ].join(' '),
    );
  }
}
