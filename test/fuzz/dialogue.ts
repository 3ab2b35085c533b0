/**
 * Whole control connections through the helper, nobody translating, over a network that cuts, doubles, reorders, loses and
 * forges segments. What the helper expects must be what a naive reader finds announced, for the announcer's own address.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { DEFAULT_POLICY, KERNEL_POLICY, type Policy } from '../../src/ftp/policy.js';
import type { Decision } from '../../src/helper/decision.js';
import type { ReleaseCause } from '../../src/helper/effect.js';
import { announcedByClient } from '../../src/helper/plan.js';
import { sequenceAdd } from '../../src/tcp/sequence.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { formatTuple, invertTuple } from '../../src/wire/tuple.js';
import { IPV6, newHelper, tuple, type HelperUnderTest, type Parties } from '../helper/dialogue.js';
import type { Lookup } from '../helper/fake-conntrack.js';
import { tcpPacket } from '../wire/packets.js';
import { NaiveHalf } from './naive-reading.js';
import { Random } from './random.js';
import { FTP_WORDS, readScript, SCRIPT_BYTES, transcriptScripts, type Turn } from './script.js';
import type { Target } from './target.js';

const IPV4: Parties = { client: '10.0.1.2:40000', server: '10.0.2.2:21' };

/** Bits of the script's settings. */
const SETTINGS = {
  ipv6: 1,
  midStream: 2,
  forged: 4,
  kernelPolicy: 8,
  calm: 16,
  tiny: 32,
  losses: 64,
} as const;
const SEGMENT_SIZES = [1, 3, 20, 600] as const;
const { ack: ACK, fin: FIN, rst: RST, syn: SYN } = TCP_FLAGS;

export const dialogueTarget = (): Target => ({
  name: 'dialogue',
  corpus: transcriptScripts(),
  words: FTP_WORDS,
  maxLength: SCRIPT_BYTES,
  run(input) {
    const { network, settings, turns } = readScript(input);
    const connection = new HostileConnection(new Random(network), settings);
    for (const turn of turns) connection.say(turn);
    connection.finish();
  },
});

interface Peer {
  readonly naive: NaiveHalf;
  readonly said: number[];
  /** The number of the first byte. */
  readonly initial: number;
}

interface Segment {
  readonly side: 0 | 1;
  readonly from: number;
  readonly bytes: Buffer;
}

class HostileConnection {
  readonly #random: Random;
  readonly #settings: number;
  readonly #policy: Policy;
  readonly #parties: Parties;
  readonly #helper: HelperUnderTest;
  #peers: [Peer, Peer];
  /** Segments that come later than their turn. */
  #late: Segment[] = [];
  /** Of the connection that there is now: how often each announcement was expected. */
  #expected = new Map<string, number>();
  #released = false;
  #id = 1;
  #packets = 0;
  #now = 1000;
  readonly #seen = { expect: 0, refuse: 0, release: 0 };

  constructor(random: Random, settings: number) {
    this.#random = random;
    this.#settings = settings;
    this.#policy = this.#is('kernelPolicy') ? KERNEL_POLICY : DEFAULT_POLICY;
    this.#parties = this.#is('ipv6') ? { ...IPV6, client: '[2001:db8:1::2]:40000' } : IPV4;
    const lookup: Lookup = (seen) => {
      const original = seen.destinationPort === 21 ? seen : invertTuple(seen);
      return { original, reply: invertTuple(original), id: this.#id };
    };
    this.#helper = newHelper({
      policy: this.#policy,
      lookup,
      capacity: 4,
      maxConnectionsPerClient: 4,
      idleSeconds: 0,
      // Often too little, so that this limit is met as well.
      maxOutOfOrderTotal: random.oneIn(4) ? 8192 : 1024 * 1024,
    });
    this.#peers = this.#newPeers();
    if (!this.#is('midStream')) this.#open();
  }

  say({ side, bytes }: Turn): void {
    const { said } = this.#peers[side];
    const arrivals: Segment[] = [];
    const most = this.#is('tiny') ? 1 : this.#random.pick(SEGMENT_SIZES);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + this.#random.between(1, most));
      arrivals.push({ side, from: said.length + at, bytes: bytes.subarray(at, end) });
      at = end;
    }
    said.push(...bytes);
    for (const segment of this.#is('calm') ? arrivals : this.#disturbed(arrivals)) this.#send(segment);
  }

  /** What was held back comes, and both sides end. */
  finish(): void {
    for (const segment of this.#late.splice(0)) this.#send(segment);
    for (const side of [0, 1] as const)
      this.#packet(side, this.#peers[side].said.length, Buffer.alloc(0), ACK | FIN);
    const { counters } = this.#helper;
    assert.equal(counters.packets, this.#packets);
    assert.equal(counters.unreadable, 0);
    assert.equal(counters.expected, this.#seen.expect);
    assert.equal(counters.refused, this.#seen.refuse);
    assert.equal(counters.encrypted + counters.notFtp, this.#seen.release);
    assert.ok(counters.lines >= this.#seen.expect + this.#seen.refuse);
    assert.deepEqual([counters.rewritten, counters.withheld, counters.withdrawn], [0, 0, 0]);
    this.#helper.expire(Infinity);
    assert.equal(this.#helper.connections, 0);
  }

  #is(setting: keyof typeof SETTINGS): boolean {
    return (this.#settings & SETTINGS[setting]) !== 0;
  }

  #newPeers(): [Peer, Peer] {
    const peer = (): Peer => ({ naive: new NaiveHalf(), said: [], initial: this.#random.uint32() });
    return [peer(), peer()];
  }

  /** A new connection of the same tuples: conntrack has another entry for it. */
  #open(): void {
    this.#id++;
    this.#peers = this.#newPeers();
    this.#forgetChecks();
    for (const { naive } of this.#peers) naive.begin(0);
    if (this.#random.oneIn(2)) this.#packet(0, -1, Buffer.alloc(0), SYN);
    this.#packet(1, -1, Buffer.alloc(0), SYN | ACK);
  }

  #forgetChecks(): void {
    this.#expected = new Map();
    this.#late = [];
    this.#released = false;
  }

  #disturbed(segments: readonly Segment[]): Segment[] {
    const random = this.#random;
    const arrivals: Segment[] = [];
    for (const segment of segments) {
      if (this.#is('losses') && random.oneIn(12)) this.#late.push(segment);
      else arrivals.push(this.#resized(segment));
      if (random.oneIn(6)) arrivals.push(this.#resized(segment));
      if (this.#is('forged') && random.oneIn(6))
        arrivals.splice(random.below(arrivals.length + 1), 0, this.#forged(segment));
    }
    for (let at = 1; at < arrivals.length; at++) {
      const one = arrivals[at];
      const other = arrivals[at - 1];
      if (one !== undefined && other !== undefined && random.oneIn(5))
        [arrivals[at - 1], arrivals[at]] = [one, other];
    }
    return arrivals;
  }

  /** With some of the bytes before it, which its sender has said as well. */
  #resized(segment: Segment): Segment {
    if (!this.#random.oneIn(4)) return segment;
    const before = Math.min(segment.from, this.#random.below(40));
    const said = this.#peers[segment.side].said.slice(segment.from - before, segment.from);
    const whole = Buffer.concat([Buffer.from(said), segment.bytes]);
    return { ...segment, from: segment.from - before, bytes: whole };
  }

  /** Other bytes in about the same place. */
  #forged({ side, from, bytes }: Segment): Segment {
    const word = this.#random.oneIn(2) ? this.#random.pick(FTP_WORDS) : Buffer.from(bytes).fill(0x2a);
    return { side, from: Math.max(0, from + this.#random.between(-20, 60)), bytes: word };
  }

  #send({ side, from, bytes }: Segment): void {
    if (!this.#is('calm') && this.#random.oneIn(300)) this.#event(side);
    this.#packet(side, from, bytes, ACK);
  }

  /** Something rare. */
  #event(side: 0 | 1): void {
    const nothing = Buffer.alloc(0);
    switch (this.#random.below(5)) {
      case 0:
        this.#open();
        break;
      case 1:
        this.#packet(side, this.#peers[side].said.length, nothing, RST);
        break;
      case 2:
        this.#packet(side, this.#random.below(2000), nothing, ACK | FIN);
        break;
      case 3:
        this.#packet(
          side,
          this.#random.between(-1000, 3000),
          nothing,
          SYN | (this.#random.oneIn(2) ? ACK : 0),
        );
        break;
      case 4:
        this.#now += 100;
        this.#helper.expire(this.#now);
        break;
    }
  }

  /** `from` counts bytes from the stream's first one. */
  #packet(side: 0 | 1, from: number, bytes: Buffer, flags: number): void {
    const { client, server } = this.#parties;
    const own = this.#peers[side];
    const other = this.#peers[side === 0 ? 1 : 0];
    const packet = tcpPacket({
      source: side === 0 ? client : server,
      destination: side === 0 ? server : client,
      sequence: sequenceAdd(own.initial, from),
      acknowledgment: sequenceAdd(other.initial, this.#acknowledgment(other)),
      flags,
      payload: bytes,
    });
    this.#packets++;
    this.#now += 0.001;
    const { counters } = this.#helper;
    const begun = counters.connections + counters.midStream;
    const { events } = this.#helper;
    const view = { bytes: packet, start: 0, end: packet.length, number: this.#packets };
    assert.deepEqual(this.#helper.onPacket(view, this.#now), { kind: 'accept' });
    // The helper has begun anew, and so does the naive reader: it reads what comes from now on.
    if (counters.connections + counters.midStream > begun && (flags & SYN) === 0) {
      this.#peers = [
        { ...this.#peers[0], naive: new NaiveHalf() },
        { ...this.#peers[1], naive: new NaiveHalf() },
      ];
      this.#forgetChecks();
    }
    this.#peers[side].naive.receive(from, bytes);
    for (const { decision } of events.decisions.splice(0)) this.#checkDecision(decision);
    const order = events.order.splice(0);
    assert.ok([-1, order.length - 1].includes(order.indexOf('encrypted')), 'nothing follows a release');
    for (const { cause } of events.releases.splice(0)) this.#checkRelease(cause);
    assert.deepEqual([events.withdrawals, events.rejections], [[], []]);
    packet.fill(0xee);
  }

  /** What the other side has, or now and then something else: then bytes are given up that may still come. */
  #acknowledgment({ naive, said }: Peer): number {
    if (!this.#is('calm') && this.#random.oneIn(25)) return this.#random.below(said.length + 40);
    return naive.contiguousFrom(0);
  }

  /** The outcome for a line of this connection. */
  #checkDecision(decision: Decision): void {
    assert.ok(!this.#released, 'nothing is read of a connection that turned to TLS');
    this.#seen[decision.refusal === undefined ? 'expect' : 'refuse']++;
    if (decision.refusal === undefined) this.#checkExpected(decision);
  }

  #checkRelease(cause: ReleaseCause): void {
    assert.ok(!this.#released, 'nothing is read of a connection that turned to TLS');
    this.#seen.release++;
    if (cause === 'encrypted') this.#released = true;
  }

  #checkExpected({ announcement: kind, address, port = 0 }: Decision): void {
    assert.ok(port >= this.#policy.minPort && port <= 65_535);
    const expectation = this.#helper.conntrack.asked.shift();
    assert.ok(expectation !== undefined);
    const active = announcedByClient({ kind, address, port, from: 0, to: 0 });
    const original = tuple(`${this.#parties.client} > ${this.#parties.server}`);
    const towards = active ? invertTuple(original) : original;
    assert.equal(formatTuple(expectation.master), formatTuple(original));
    assert.equal(
      formatTuple(expectation.tuple),
      formatTuple({ ...towards, sourcePort: 0, destinationPort: port }),
    );
    assert.equal(expectation.nat, undefined);

    const announced = kind === '229' || address === undefined ? '?' : formatIpAddress(address);
    const key = `${kind} ${announced}:${port}`;
    const times = (this.#expected.get(key) ?? 0) + 1;
    this.#expected.set(key, times);
    const [client, server] = this.#peers;
    const lines = (active ? client : server).naive.announcements(kind, announced, port, this.#policy);
    assert.ok(times <= lines, `${key} was expected ${times} times, and is announced in ${lines} lines`);
    if (active || !this.#policy.pairReplies) return;
    const asked = client.naive.commands(kind === '227' ? 'PASV' : 'EPSV');
    const answered = [...this.#expected].reduce(
      (sum, [of, count]) => (of.startsWith(kind) ? sum + count : sum),
      0,
    );
    assert.ok(answered <= asked, `${answered} × ${kind} were expected, and ${asked} were asked for`);
  }
}
