/**
 * A control connection that is translated, for tests of the helper: each packet goes on as the daemon would let it, and is
 * taken apart again.
 *
 * @module
 */
import { expect } from 'vitest';
import type { Direction, PlannedExpectation } from '../../../src/helper/conntrack.js';
import type { Verdict } from '../../../src/helper/nat/verdict.js';
import { ipv4ChecksumValid, tcpChecksumValid } from '../../../src/wire/checksum.js';
import { IpView } from '../../../src/wire/ip.js';
import { tcpFlags, tcpHeaderLength, tcpSequence } from '../../../src/wire/tcp.js';
import { NO_ADJUSTMENT } from '../../../src/helper/nat/stream-edits.js';
import type { SequenceAdjustment } from '../../../src/wire/seqadj.js';
import { tcpPacket } from '../../wire/packets.js';
import {
  ACK,
  FIN,
  newHelper,
  SYN,
  tuple,
  type HelperTestOptions,
  type HelperUnderTest,
} from '../dialogue.js';

/** Client and server, and what each of them is to the other. */
export interface Nat {
  readonly client: string;
  readonly server: string;
  readonly clientSeen: string;
  readonly serverSeen: string;
}

export interface Adjustment {
  readonly direction: Direction;
  readonly value: SequenceAdjustment;
}

export interface Sent {
  readonly verdict: Verdict;
  /** What the packet changed of the kernel's sequence adjustment. */
  readonly adjustment: Adjustment | undefined;
  /** What goes on: payload as text, sequence number, whether its checksums hold. */
  readonly payload: string;
  readonly sequence: number;
  readonly fin: boolean;
  readonly sound: boolean;
}

/** Speaks through the helper and does with each packet what the daemon would do. */
export class TranslatedDialogue {
  readonly helper: HelperUnderTest;
  readonly nat: Nat;
  readonly #inForce = new Map<Direction, SequenceAdjustment>();
  clientNext = 1000;
  serverNext = 9000;
  now = 1000;
  /** Between two segments: what comes twice was sent twice. */
  secondsApart = 0.2;
  constructor(nat: Nat, options: HelperTestOptions = {}) {
    this.nat = nat;
    const original = tuple(`${nat.client} > ${nat.serverSeen}`);
    const reply = tuple(`${nat.server} > ${nat.clientSeen}`);
    this.helper = newHelper({ lookup: () => ({ original, reply, id: 1 }), ...options });
    this.segment('server', 8999, '', SYN | ACK);
    this.server('220 ready\r\n');
  }

  /** What was expected so far. */
  get expected(): readonly PlannedExpectation[] {
    return this.helper.conntrack.asked;
  }

  /** Whether it is not just what is in force, set once more to see whether the kernel can. */
  #changes({ direction, value }: Adjustment): boolean {
    const changes = JSON.stringify(value) !== JSON.stringify(this.#inForce.get(direction) ?? NO_ADJUSTMENT);
    this.#inForce.set(direction, value);
    return changes;
  }

  client(text: string): Sent {
    const sent = this.segment('client', this.clientNext, text);
    this.clientNext += text.length;
    return sent;
  }

  server(text: string): Sent {
    const sent = this.segment('server', this.serverNext, text);
    this.serverNext += text.length;
    return sent;
  }

  segment(
    from: 'client' | 'server',
    sequence: number,
    payload: string,
    flags: number = ACK,
    acknowledgment?: number,
  ): Sent {
    const { client, server, clientSeen, serverSeen } = this.nat;
    const [source, destination] = from === 'client' ? [client, serverSeen] : [server, clientSeen];
    const own = from === 'client' ? this.serverNext : this.clientNext;
    const packet = tcpPacket({
      source,
      destination,
      sequence,
      acknowledgment: acknowledgment ?? own,
      flags,
      payload,
    });
    this.now += this.secondsApart;
    const { adjustments } = this.helper.conntrack;
    const before = adjustments.length;
    const verdict = this.helper.onPacket(
      { bytes: packet, start: 0, end: packet.length, number: 1 },
      this.now,
    );
    const adjustment = adjustments.slice(before).find((one) => this.#changes(one));
    return { verdict, adjustment, ...read(verdict.kind === 'replace' ? verdict.packet : packet) };
  }
}

function read(packet: Buffer): Omit<Sent, 'verdict' | 'adjustment'> {
  const ip = new IpView();
  expect(ip.read(packet, 0, packet.length)).toBeUndefined();
  expect(ip.cut).toBe(false);
  const at = ip.payloadAt;
  return {
    payload: packet.toString('latin1', at + tcpHeaderLength(packet, at), ip.end),
    sequence: tcpSequence(packet, at),
    fin: (tcpFlags(packet, at) & FIN) !== 0,
    sound:
      tcpChecksumValid(packet, ip) &&
      (ip.family === 6 || ipv4ChecksumValid(packet, 0)) &&
      ip.end === packet.length,
  };
}
