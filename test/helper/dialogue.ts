/**
 * A control connection for tests of the helper: says lines as packets with the right numbers, and keeps what the
 * helper answers. The packet's memory is overwritten afterwards, as a queue's slab is.
 *
 * @module
 */
import { DEFAULT_POLICY, type Policy } from '../../src/ftp/policy.js';
import { decisionRecord, type DecisionRecord } from '../../src/helper/decision.js';
import type { Effect } from '../../src/helper/effect.js';
import type { ConnectionLookup } from '../../src/helper/connections.js';
import { FtpHelper, type FtpHelperOptions } from '../../src/helper/ftp-helper.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';
import { endpoint, tcpPacket } from '../wire/packets.js';

export const { syn: SYN, ack: ACK, fin: FIN, rst: RST } = TCP_FLAGS;

/** Nobody translates, and the server listens on port 21; each connection asked for is a new one, from number 7 on. */
function lookupByPort(): ConnectionLookup {
  let id = 6;
  return (seen) => {
    id += 1;
    const original = seen.destinationPort === 21 ? seen : invertTuple(seen);
    return { original, reply: invertTuple(original), id };
  };
}

export function newHelper(options: Partial<FtpHelperOptions> = {}): FtpHelper {
  return new FtpHelper({
    policy: DEFAULT_POLICY,
    ports: [21],
    lookup: lookupByPort(),
    capacity: 64,
    maxConnectionsPerClient: 64,
    seed: 1,
    maxOutOfOrderTotal: 1024 * 1024,
    ...options,
  });
}

export const withPolicy = (policy: Partial<Policy>): FtpHelper =>
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
  readonly effects: Effect[] = [];
  clientNext = CLIENT_ISN + 1;
  serverNext = SERVER_ISN + 1;
  #packet = 0;
  now = 1000;

  readonly helper: FtpHelper;
  readonly parties: Parties;

  constructor(helper: FtpHelper, parties: Parties = IPV4) {
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
    const effects = this.helper.onPacket(packet, 0, packet.length, this.now, this.#packet);
    this.effects.push(...effects);
    packet.fill(0xee);
    return this;
  }

  get decisions(): DecisionRecord[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'release' ? [] : [decisionRecord(effect.decision)],
    );
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
