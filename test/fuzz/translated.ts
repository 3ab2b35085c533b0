/**
 * Control connections that are translated, between two peers that send again what is not acknowledged, over a network that cuts,
 * doubles, reorders and loses segments, with the kernel's adjustment on the way. What each side puts together must be what
 * the other said, with those announcements edited that the helper took on, and it must come to its end.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import type { AdjustOutcome, ExpectOutcome, PlannedExpectation } from '../../src/helper/conntrack.js';
import type { Decision, Rewritten } from '../../src/helper/decision.js';
import { announcedByClient } from '../../src/helper/plan.js';
import type { PublicAddress } from '../../src/helper/nat/public-addresses.js';
import { NO_ADJUSTMENT, type StreamEdit } from '../../src/helper/nat/stream-edits.js';
import { sequenceAdd, sequenceDistance } from '../../src/tcp/sequence.js';
import { ipv4ChecksumValid, tcpChecksumValid } from '../../src/wire/checksum.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';
import { IpView } from '../../src/wire/ip.js';
import type { SequenceAdjustment } from '../../src/wire/seqadj.js';
import { SENT_AGAIN_AFTER } from '../../src/helper/nat/nat-streams.js';
import { TCP_FLAGS, tcpAcknowledgment, tcpFlags, tcpHeaderLength, tcpSequence } from '../../src/wire/tcp.js';
import { formatTuple } from '../../src/wire/tuple.js';
import { newHelper, tuple, type HelperUnderTest } from '../helper/dialogue.js';
import type { Nat } from '../helper/nat/translated-dialogue.js';
import { acknowledged, forwarded } from '../helper/nat/kernel-adjustment.js';
import { ipAddress, tcpPacket } from '../wire/packets.js';
import { Random } from './random.js';
import { FTP_WORDS, readScript, SCRIPT_BYTES, transcriptScripts, type Turn } from './script.js';
import type { Target } from './target.js';

const { ack: ACK, fin: FIN, syn: SYN } = TCP_FLAGS;
const SEGMENT_SIZES = [1, 4, 20, 500] as const;
/** Rounds of sending again in which a connection must have come to its end; each byte may need a few. */
const ROUNDS_A_BYTE = 8;

interface Setting {
  readonly nat: Nat;
  readonly publicAddresses: readonly PublicAddress[];
  /** Whether the kernel shifts sequence numbers. */
  readonly shifts: boolean;
}

const BOTH: Nat = {
  client: '10.0.1.2:40000',
  clientSeen: '198.51.100.20:50000',
  server: '10.0.2.2:21',
  serverSeen: '203.0.113.1:21',
};
const BOTH6: Nat = {
  client: '[2001:db8:1::2]:40000',
  clientSeen: '[2001:db8:ffff::1234]:50000',
  server: '[2001:db8:2::2]:21',
  serverSeen: '[2001:db8::21]:21',
};
const NOBODY: Nat = { ...BOTH, clientSeen: BOTH.client, serverSeen: BOTH.server };
const shifting = (nat: Nat): Setting => ({ nat, publicAddresses: [], shifts: true });

/** By the lower three bits of the script's settings. */
const SETTINGS: readonly Setting[] = [
  shifting(BOTH),
  shifting(BOTH6),
  shifting({ ...BOTH, serverSeen: BOTH.server }),
  shifting({ ...BOTH, clientSeen: BOTH.client }),
  // As long as the private address, and shorter than it.
  shifting({ ...BOTH, clientSeen: '10.0.9.9:1', serverSeen: '1.1.1.1:21' }),
  shifting({ ...BOTH, clientSeen: '1.2.3.4:2' }),
  {
    nat: NOBODY,
    publicAddresses: [{ public: ipAddress('203.0.113.17'), private: ipAddress('10.0.2.2') }],
    shifts: false,
  },
  { nat: NOBODY, publicAddresses: [{ public: ipAddress('1.1.1.1'), private: undefined }], shifts: false },
];
const SETTING_BITS = 7;
/** Other bits: nothing is lost; every byte is a segment; other ports are announced now and then; the last bytes carry a FIN. */
const CALM = 8;
const TINY = 16;
const OTHER_PORTS = 32;
const FIN_WITH_BYTES = 64;

export const translatedTarget = (): Target => ({
  name: 'translated',
  corpus: transcriptScripts(),
  words: FTP_WORDS,
  maxLength: SCRIPT_BYTES,
  run(input) {
    const { network, settings, turns } = readScript(input);
    const path = new TranslatedPath(new Random(network), settings);
    for (const turn of turns) path.say(turn);
    path.finish();
  },
});

interface Peer {
  readonly initial: number;
  readonly said: number[];
  /** How much of it this peer was told that the other has. */
  acknowledged: number;
  /** What this peer has of the other's stream: in order, and ahead of holes by offset. */
  readonly received: number[];
  readonly ahead: Map<number, number>;
  /** Offset at which the other's stream ends, once its FIN is here. */
  end: number | undefined;
  ended: boolean;
}

/** An edit that the helper took on, until it is taken back. */
interface TakenEdit {
  readonly announcement: Decision;
  readonly edit: StreamEdit;
}

class TranslatedPath {
  readonly #random: Random;
  readonly #settings: number;
  readonly #setting: Setting;
  readonly #helper: HelperUnderTest;
  readonly #peers: readonly [Peer, Peer];
  /** In the kernel, of the client's stream and of the server's. */
  readonly #adjustments: [SequenceAdjustment, SequenceAdjustment] = [NO_ADJUSTMENT, NO_ADJUSTMENT];
  readonly #edits: [TakenEdit[], TakenEdit[]] = [[], []];
  readonly #ip = new IpView();
  #expected = 0;
  #packets = 0;
  #dropped = 0;
  #withdrawn = 0;
  readonly #clashes = new Set<PlannedExpectation>();

  constructor(random: Random, settings: number) {
    this.#random = random;
    this.#settings = settings;
    this.#setting = SETTINGS[settings & SETTING_BITS] ?? shifting(BOTH);
    const { nat, publicAddresses } = this.#setting;
    const original = tuple(`${nat.client} > ${nat.serverSeen}`);
    const reply = tuple(`${nat.server} > ${nat.clientSeen}`);
    this.#helper = newHelper({
      lookup: () => ({ original, reply, id: 1 }),
      capacity: 2,
      maxConnectionsPerClient: 2,
      maxExpectAttemptsPerClient: Infinity,
      random: () => this.#random.below(1000) / 1000,
      publicAddresses,
    });
    const { conntrack } = this.#helper;
    conntrack.expecting = (expectation) => this.#expect(expectation);
    conntrack.adjusting = () => this.#adjust();
    this.#peers = [this.#newPeer(), this.#newPeer()];
    const [client, server] = this.#peers;
    this.#pass(1, server.initial - 1, Buffer.alloc(0), SYN | ACK, client.initial);
  }

  /** Says it, and sends some of what is unacknowledged. */
  say({ side, bytes }: Turn): void {
    const peer = this.#peers[side];
    peer.said.push(...bytes);
    let from = Math.max(peer.acknowledged, peer.said.length - bytes.length);
    while (from < peer.said.length) from = this.#send(side, from);
    for (let more = this.#random.below(4); more > 0; more--) this.#round(this.#random.oneIn(2) ? 0 : 1);
    this.#checkReceived();
  }

  /** The network is good from now on; both sides send what is unacknowledged until nothing is, then end. */
  finish(): void {
    if ((this.#settings & FIN_WITH_BYTES) === 0) this.#settleAll(false);
    this.#settleAll(true);
    this.#checkReceived();
    for (const side of [0, 1] as const) {
      const wanted = this.#edited(side);
      assert.deepEqual(Buffer.from(this.#peers[side === 0 ? 1 : 0].received), wanted);
    }
    const { counters } = this.#helper;
    assert.equal(counters.packets, this.#packets);
    assert.equal(counters.unreadable, 0);
    assert.equal(counters.expected, this.#expected);
    assert.equal(counters.withheld, this.#dropped);
    assert.equal(counters.withdrawn, this.#withdrawn);
    this.#helper.expire(Infinity);
    assert.equal(this.#helper.connections, 0);
  }

  #newPeer(): Peer {
    const initial = this.#random.pick([this.#random.uint32(), 0xffff_ffc0, 0x7fff_ffc0, 1000]);
    return {
      initial,
      said: [],
      acknowledged: 0,
      received: [],
      ahead: new Map(),
      end: undefined,
      ended: false,
    };
  }

  #settleAll(fin: boolean): void {
    const bytes = this.#peers[0].said.length + this.#peers[1].said.length;
    let rounds = 100 + ROUNDS_A_BYTE * bytes;
    const isSettled = (side: 0 | 1): boolean => {
      const { acknowledged: known, said } = this.#peers[side];
      return known === said.length && (!fin || this.#peers[side === 0 ? 1 : 0].end !== undefined);
    };
    while (!isSettled(0) || !isSettled(1)) {
      assert.ok(rounds-- > 0, 'the connection does not come to its end');
      for (const side of [0, 1] as const) if (!isSettled(side)) this.#round(side, fin, true);
      // A bare acknowledgement, as any receiver sends of what it got.
      for (const side of [0, 1] as const) this.#segment(side, this.#peers[side].said.length, 0, false, true);
    }
  }

  /** Sends what is unacknowledged, once. */
  #round(side: 0 | 1, fin = false, good = false): void {
    const { said, acknowledged: known } = this.#peers[side];
    let from = known;
    if (fin && from === said.length) this.#segment(side, from, 0, true, good);
    while (from < said.length) from = this.#send(side, from, fin, good);
  }

  #send(side: 0 | 1, from: number, fin = false, good = false): number {
    const { said, acknowledged: known } = this.#peers[side];
    const most = (this.#settings & TINY) !== 0 ? 1 : this.#random.pick(SEGMENT_SIZES);
    const to = Math.min(said.length, from + this.#random.between(1, most));
    this.#segment(side, from, to - from, fin && to === said.length, good);
    // Now and then again, cut otherwise, from what may have been acknowledged meanwhile.
    if (!good && this.#random.oneIn(5)) {
      const again = Math.max(0, Math.min(to, known + this.#random.between(-10, 30)));
      this.#segment(side, again, Math.min(said.length - again, this.#random.below(40)), false, false);
    }
    return to;
  }

  #segment(side: 0 | 1, from: number, length: number, fin: boolean, good: boolean): void {
    const own = this.#peers[side];
    const other = this.#peers[side === 0 ? 1 : 0];
    const bytes = Buffer.from(own.said.slice(from, from + length));
    const has = own.received.length + (own.ended ? 1 : 0);
    const packet = this.#pass(
      side,
      sequenceAdd(own.initial, from),
      bytes,
      ACK | (fin ? FIN : 0),
      sequenceAdd(other.initial, has),
    );
    if (packet === undefined) return;
    const disturbed = !good && (this.#settings & CALM) === 0;
    if (disturbed && this.#random.oneIn(5)) return;
    // For want of window a receiver may take the beginning only.
    this.#deliver(side, packet, disturbed && this.#random.oneIn(5) ? this.#random.below(20) : Infinity);
  }

  /** Through the helper as the daemon would have it, then through the kernel's adjustment. Returns what is forwarded. */
  #pass(
    side: 0 | 1,
    sequence: number,
    payload: Buffer,
    flags: number,
    acknowledgment: number,
  ): Buffer | undefined {
    const { client, server, clientSeen, serverSeen } = this.#setting.nat;
    const [source, destination] = side === 0 ? [client, serverSeen] : [server, clientSeen];
    const packet = tcpPacket({
      source,
      destination,
      sequence: sequence >>> 0,
      acknowledgment: acknowledgment >>> 0,
      flags,
      payload,
    });
    this.#packets++;
    // What comes twice was sent twice.
    const now = this.#packets * SENT_AGAIN_AFTER * 2;
    const view = { bytes: packet, start: 0, end: packet.length, number: this.#packets };
    const verdict = this.#helper.onPacket(view, now);
    this.#takeEvents();
    if (verdict.kind === 'drop') {
      this.#dropped++;
      return undefined;
    }
    return verdict.kind === 'accept' ? packet : Buffer.from(verdict.packet);
  }

  #takeEvents(): void {
    const { events, conntrack } = this.#helper;
    const asked = conntrack.asked.splice(0).filter((expectation) => !this.#clashes.has(expectation));
    for (const { decision, told } of events.decisions.splice(0)) {
      if (decision.refusal === undefined) this.#checkExpected(decision, asked.shift(), told);
      else assert.notEqual(decision.refusal, 'kernel-refused');
    }
    assert.deepEqual(asked, []);
    for (const announcement of events.withdrawals.splice(0)) this.#takeBack(announcement);
    assert.deepEqual(events.rejections, []);
  }

  /** Now and then the announced port is somebody else's. */
  #expect(expectation: PlannedExpectation): ExpectOutcome {
    const { nat, tuple: expected } = expectation;
    const isAnnounced = nat?.tuple.sourcePort === expected.destinationPort;
    if (!isAnnounced || (this.#settings & OTHER_PORTS) === 0 || this.#random.oneIn(2)) return 'opened';
    this.#clashes.add(expectation);
    return 'clash';
  }

  #adjust(): AdjustOutcome {
    const change = this.#helper.conntrack.adjustments.pop();
    assert.ok(change !== undefined);
    if (!this.#setting.shifts) return 'no-room';
    this.#adjustments[change.direction === 'original' ? 0 : 1] = change.value;
    return 'adjusted';
  }

  #checkExpected(decision: Decision, expectation?: PlannedExpectation, told?: Rewritten): void {
    this.#expected++;
    const { announcement: kind, port = 0, address } = decision;
    assert.ok(expectation !== undefined && port >= DEFAULT_POLICY.minPort && port <= 65_535);
    const { client, server, clientSeen, serverSeen } = this.#setting.nat;
    const active = announcedByClient({ kind, address, port, from: 0, to: 0 });
    const [from, to, itself] = active ? [server, clientSeen, client] : [client, serverSeen, server];
    const towards = tuple(`${from} > ${to}`);
    const wanted = { ...towards, sourcePort: 0, destinationPort: told?.port ?? port };
    assert.equal(formatTuple(expectation.tuple), formatTuple(wanted));
    if (told !== undefined) this.#edits[active ? 0 : 1].push({ announcement: decision, edit: told.edit });
    if (address === undefined) return;
    const names = [tuple(`${itself} > ${to}`).source, towards.destination];
    names.push(...this.#setting.publicAddresses.map((pair) => pair.public));
    assert.ok(names.map(formatIpAddress).includes(formatIpAddress(address)));
  }

  #takeBack(announcement: Decision): void {
    this.#withdrawn++;
    for (const edits of this.#edits) {
      const at = edits.findIndex((taken) => taken.announcement === announcement);
      if (at >= 0) edits.splice(at, 1);
    }
  }

  #deliver(side: 0 | 1, packet: Buffer, taken: number): void {
    const ip = this.#ip;
    assert.equal(ip.read(packet, 0, packet.length), undefined);
    assert.ok(!ip.cut && ip.end === packet.length);
    assert.ok(tcpChecksumValid(packet, ip) && (ip.family === 6 || ipv4ChecksumValid(packet, 0)));
    const at = ip.payloadAt;
    const sender = this.#peers[side];
    const receiver = this.#peers[side === 0 ? 1 : 0];
    const sequence = forwarded(this.#adjustments[side], tcpSequence(packet, at));
    const acknowledgment = acknowledged(this.#adjustments[side === 0 ? 1 : 0], tcpAcknowledgment(packet, at));
    const from = sequenceDistance(sender.initial, sequence);
    const payload = packet.subarray(at + tcpHeaderLength(packet, at), ip.end);
    payload.subarray(0, taken).forEach((byte, index) => {
      if (!receiver.ahead.has(from + index)) receiver.ahead.set(from + index, byte);
    });
    if ((tcpFlags(packet, at) & FIN) !== 0 && payload.length <= taken) {
      assert.ok(receiver.end === undefined || receiver.end === from + payload.length, 'the FIN moves');
      receiver.end = from + payload.length;
    }
    for (let byte = receiver.ahead.get(receiver.received.length); byte !== undefined;) {
      receiver.received.push(byte);
      byte = receiver.ahead.get(receiver.received.length);
    }
    receiver.ended = receiver.end === receiver.received.length;
    const known = Math.min(sequenceDistance(receiver.initial, acknowledgment), receiver.said.length);
    if (known > receiver.acknowledged) this.#acknowledge(side === 0 ? 1 : 0, known);
  }

  /** No acknowledgement may cover more than was received: of an edit in the middle of which it is, nothing is owed. */
  #acknowledge(side: 0 | 1, known: number): void {
    const peer = this.#peers[side];
    peer.acknowledged = known;
    const within = this.#offsets(side).find(({ from, to }) => from < known && known < to);
    const owed = this.#edited(side, within?.from ?? known).length;
    const has = this.#peers[side === 0 ? 1 : 0].received.length;
    assert.ok(
      owed <= has,
      `${known} bytes are acknowledged, ${owed} of the edited stream, and ${has} were received`,
    );
  }

  #offsets(side: 0 | 1): { from: number; to: number; replacement: Uint8Array }[] {
    const { initial } = this.#peers[side];
    return this.#edits[side].map(({ edit: { start, end, replacement } }) => ({
      from: sequenceDistance(initial, start),
      to: sequenceDistance(initial, end),
      replacement,
    }));
  }

  /** What the receiver must have of the first `length` bytes that the side said. */
  #edited(side: 0 | 1, length = Infinity): Buffer {
    const said = Buffer.from(this.#peers[side].said).subarray(
      0,
      Math.min(length, this.#peers[side].said.length),
    );
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const { from, to, replacement } of this.#offsets(side)) {
      if (to > said.length) break;
      pieces.push(said.subarray(at, from), replacement);
      at = to;
    }
    return Buffer.concat([...pieces, said.subarray(at)]);
  }

  /** What was received so far is the beginning of the edited stream. */
  #checkReceived(): void {
    for (const side of [0, 1] as const) {
      const received = Buffer.from(this.#peers[side === 0 ? 1 : 0].received);
      assert.deepEqual(received, this.#edited(side).subarray(0, received.length));
    }
  }
}
