/**
 * The helper: packets of FTP control connections and time in, verdicts and effects out. It composes the layers
 * (addresses → flow → bytes in order → lines → session → policy) and does nothing itself: whoever calls it
 * carries out the effects, before the packet's verdict, or prints them.
 *
 * A packet that announces nothing costs no allocation: it is answered with one shared reaction.
 *
 * @module
 */
import { LineScanner, type LineSink } from '../ftp/line-scanner.js';
import type { Policy } from '../ftp/policy.js';
import { Dialogues, type Outcome } from '../ftp/dialogue.js';
import { Reassembler, type ByteSink } from '../tcp/reassembler.js';
import { sequenceAdd } from '../tcp/sequence.js';
import type { StreamEdit } from './nat/stream-edits.js';
import { IpView } from '../wire/ip.js';
import { readTcpPacket } from '../wire/tcp-packet.js';
import { TCP_FLAGS, tcpAcknowledgment, tcpFlags, tcpHeaderLength, tcpSequence } from '../wire/tcp.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import type { Tuple } from '../wire/tuple.js';
import { AnnouncementJudge, type LineOrigin } from './judge.js';
import { Connections, type ConnectionsOptions } from './connections.js';
import { newHelperCounters, type HelperCounters, type LimitCounters } from './counters.js';
import type { Effect, PromisedPinhole, ReleaseCause } from './effect.js';
import { isTranslated, type TrackedConnection } from './plan.js';
import { Passages, type Passage } from './nat/verdict.js';
import { PublicAddresses, type PublicAddress } from './nat/public-addresses.js';
import { Translations, type RewriteObstacle } from './nat/nat-streams.js';

export interface FtpHelperOptions extends ConnectionsOptions {
  readonly policy: Policy;
  /** Out-of-order bytes held for all connections together; the reassembler's own limit unless given. */
  readonly maxOutOfOrderTotal?: number;
  /** Bytes of unfinished lines kept for all connections together; the scanner's own limit unless given. */
  readonly maxUnfinishedLineTotal?: number;
  /** What clients call servers, where another host than this one translates between them. */
  readonly publicAddresses?: readonly PublicAddress[];
}

const NOTHING: readonly Effect[] = Object.freeze([]);
const RELEASE_COUNTERS = {
  encrypted: 'encrypted',
  'not-ftp': 'notFtp',
} as const satisfies Record<ReleaseCause, keyof HelperCounters>;
/** What is peculiar about a flow: a set of bits. */
const FLOW_TRAITS = {
  /** Nothing of it is read any more. */
  released: 1,
  /** By us or by another host: its announcements may have to be rewritten. */
  translated: 2,
  /** Seen from its beginning: only there a SYN or SYN-ACK tells where lines begin. */
  opened: 4,
} as const;
/** Directions within a half number: the low bit. */
const ORIGINAL = 0;

export class FtpHelper {
  readonly counters: HelperCounters = newHelperCounters();
  readonly #judge: AnnouncementJudge;
  readonly #connections: Connections;
  readonly #streams: Reassembler;
  readonly #lines: LineScanner;
  readonly #sessions: Dialogues;
  /** `FLOW_TRAITS` of each flow. */
  readonly #traits: Uint8Array;
  readonly #ip = new IpView();
  readonly #effects: Effect[] = [];
  readonly #publicAddresses: PublicAddresses;
  readonly #translations: Translations;
  readonly #passages: Passages;
  #packet = 0;
  #now = 0;

  constructor(options: FtpHelperOptions) {
    const halves = options.capacity * 2;
    const bytes: ByteSink = {
      onBytes: (half, from, start, end, sequence) => {
        this.#lines.scan(half, from, start, end, sequence);
      },
      onGap: (half) => {
        this.#lines.lose(half);
      },
    };
    const lines: LineSink = {
      onLine: (half, from, start, end, sequence, traits) => {
        this.#readLine(half, from, start, end, sequence, traits);
      },
    };
    this.#publicAddresses = new PublicAddresses(options.publicAddresses ?? []);
    this.#judge = new AnnouncementJudge(options.policy, this.#publicAddresses);
    const total = options.maxOutOfOrderTotal;
    this.#streams = new Reassembler(
      { halves, ...(total === undefined ? {} : { maxTotalBytes: total }) },
      bytes,
    );
    this.#connections = new Connections(options, this.#streams, {
      onBegin: (flow, connection, opening) => {
        this.#begin(flow, connection, opening);
      },
      onEnd: (flow) => {
        this.#forget(flow);
      },
    });
    const tails = options.maxUnfinishedLineTotal;
    this.#lines = new LineScanner({ halves, ...(tails === undefined ? {} : { maxTailBytes: tails }) }, lines);
    this.#translations = new Translations(halves);
    this.#passages = new Passages(
      this.#connections,
      this.#streams,
      this.#lines,
      this.#translations,
      this.counters,
    );
    this.#sessions = new Dialogues({ flows: options.capacity, policy: options.policy });
    this.#traits = new Uint8Array(options.capacity);
  }

  /** Connections tracked now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** What was counted at the limits, and where streams were not as they should be, by name. */
  get limitCounters(): LimitCounters {
    const { tooLong, nul, bareLineFeed, tailsDropped } = this.#lines.counters;
    const streams = this.#streams.counters;
    return {
      linesTooLong: tooLong,
      linesWithNul: nul,
      linesWithBareLineFeed: bareLineFeed,
      unfinishedLinesDropped: tailsDropped,
      commandsForgotten: this.#sessions.commandOverflows,
      connectionsDisplaced: this.#connections.displaced,
      connectionsDisplacedByOwn: this.#connections.displacedByOwn,
      otherConnections: this.#connections.others,
      holesPastAcknowledgment: streams.holesAcknowledged,
      holesPastBytes: streams.holesHalfFull,
      holesPastRanges: streams.holesTooManyRanges,
      holesPastTotal: streams.holesAllFull,
      segmentsOutOfReach: streams.strays,
      streamsMoved: streams.restarts,
    };
  }

  /**
   * Reads one packet, which begins with its IP header at `start`. Answers what it causes; the array is borrowed: the
   * next packet empties it. When that is carried out, `passage` says how the packet goes on.
   *
   * @param now     seconds since 1970; never goes back by more than a clock step
   * @param packet  the number under which decisions name the packet
   */
  onPacket(bytes: Buffer, start: number, end: number, now: number, packet: number): readonly Effect[] {
    this.counters.packets++;
    this.#passages.reset();
    if (!readTcpPacket(this.#ip, bytes, start, end)) {
      this.counters.unreadable++;
      return NOTHING;
    }
    this.#packet = packet;
    this.#now = now;
    if (this.#effects.length > 0) this.#effects.length = 0;
    const half = this.#connections.halfOf(bytes, this.#ip, now);
    if (half >= 0) this.#readSegment(half, bytes);
    return this.#effects;
  }

  /** What stands in the way of having the announcement of `half` go on as `edit` (`announcementEdit`) says. */
  rewriteObstacle(half: number, edit: StreamEdit): RewriteObstacle | undefined {
    return this.#translations.obstacle(half, edit);
  }

  /** Has it go on so, the pinhole being open and nothing in the way. To be asked for before the packet's `passage`. */
  rewrite(half: number, edit: StreamEdit, promised: PromisedPinhole): void {
    this.#translations.plan(half, edit, promised);
  }

  /** Pinholes whose announcements go on as they came after all: to be asked for after `passage` and `giveUp`. */
  takeWithdrawn(): readonly PromisedPinhole[] {
    return this.#translations.takeWithdrawn();
  }

  /** The sequence adjustment in force for a half of a translated connection, as far as it is known. */
  adjustment(half: number): SequenceAdjustment | undefined {
    return this.#translations.adjustment(half);
  }

  /** How the packet last read, still in `bytes`, goes on. */
  passage(bytes: Buffer): Passage {
    return this.#passages.of(bytes, this.#ip, this.#now);
  }

  /** The packet goes on as `passage` said, its adjustment in force. */
  passed(): void {
    this.#passages.passed();
  }

  /** Where `passage` writes a packet that goes on with other bytes. */
  get rewritten(): Buffer {
    return this.#passages.rewritten;
  }

  /** Conntrack has destroyed a connection. */
  onConnectionGone(connection: TrackedConnection): void {
    this.#connections.onGone(connection);
  }

  /** Forgets what is known of a connection, and what was promised on it; its next packet is as its first. */
  giveUp(original: Tuple): void {
    const flow = this.#connections.flowOf(original);
    if (flow < 0) return;
    this.#translations.giveUp(flow);
    this.#connections.end(flow);
  }

  /** Forgets connections that have been silent since before `moment`, seconds since 1970. */
  expire(moment: number): void {
    this.#connections.expire(moment);
  }

  #begin(flow: number, connection: TrackedConnection, opening: boolean): void {
    const translated = isTranslated(connection) || this.#isKnownOtherwise(connection);
    this.#traits[flow] = (opening ? FLOW_TRAITS.opened : 0) | (translated ? FLOW_TRAITS.translated : 0);
    if (translated) this.#translations.follow(flow, connection);
    this.#sessions.begin(flow, !opening);
    if (opening) this.counters.connections++;
    else this.counters.midStream++;
  }

  /** Whether clients know the server by an address that does not reach this host. */
  #isKnownOtherwise({ original }: TrackedConnection): boolean {
    return this.#publicAddresses.of(original.destination) !== undefined;
  }

  #readSegment(half: number, bytes: Buffer): void {
    const flow = half >> 1;
    if (this.#is(flow, FLOW_TRAITS.released)) return;
    this.#followSegment(half, bytes);
    if (this.#is(flow, FLOW_TRAITS.released)) this.#forgetStreams(flow);
  }

  #followSegment(half: number, bytes: Buffer): void {
    const ip = this.#ip;
    const at = ip.payloadAt;
    const flags = tcpFlags(bytes, at);
    const syn = flags & TCP_FLAGS.syn;
    const sequence = sequenceAdd(tcpSequence(bytes, at), syn === 0 ? 0 : 1);
    if (ip.cut) this.counters.cut++;
    // Its peer ignores it, but we could be led into the middle of a line by it.
    if (syn !== 0 && !this.#is(half >> 1, FLOW_TRAITS.opened)) return;
    if (syn !== 0) this.#synchronise(half, sequence, flags, bytes);
    // The acknowledgement first: it may give up a hole in the other direction, whose lines came before this one's.
    if ((flags & TCP_FLAGS.ack) !== 0) this.#acknowledge(half ^ 1, tcpAcknowledgment(bytes, at));
    if ((flags & TCP_FLAGS.rst) !== 0) {
      // RFC 9293 §3.5.3: only a reset at exactly the next number is one.
      if (this.#streams.next(half) === sequence) this.#connections.end(half >> 1);
      return;
    }
    const payloadAt = at + tcpHeaderLength(bytes, at);
    if (payloadAt < ip.end && (half & 1) === ORIGINAL) this.#connections.prove(half >> 1);
    if (this.#is(half >> 1, FLOW_TRAITS.translated) && payloadAt < ip.end) {
      if (this.#translations.presumes(half, sequence, this.#now)) this.#streams.acknowledge(half, sequence);
      this.#passages.take(half);
    }
    this.#streams.receive(half, sequence, bytes, payloadAt, ip.end, (flags & TCP_FLAGS.fin) !== 0);
  }

  /** Where bytes were rewritten, their receiver acknowledges other numbers than were sent. */
  #acknowledge(half: number, acknowledgment: number): void {
    const translated = this.#is(half >> 1, FLOW_TRAITS.translated);
    this.#streams.acknowledge(
      half,
      translated ? this.#translations.acknowledge(half, acknowledgment) : acknowledgment,
    );
  }

  /** A SYN numbers its own direction, a SYN-ACK both. */
  #synchronise(half: number, sequence: number, flags: number, bytes: Buffer): void {
    if (!this.#streams.begun(half)) {
      this.#streams.begin(half, sequence);
      this.#lines.begin(half);
    }
    if ((flags & TCP_FLAGS.ack) === 0 || this.#streams.begun(half ^ 1)) return;
    this.#streams.begin(half ^ 1, tcpAcknowledgment(bytes, this.#ip.payloadAt));
    this.#lines.begin(half ^ 1);
  }

  #readLine(half: number, bytes: Buffer, start: number, end: number, sequence: number, traits: number): void {
    const flow = half >> 1;
    if (this.#is(flow, FLOW_TRAITS.released)) return;
    this.counters.lines++;
    const outcome =
      (half & 1) === ORIGINAL
        ? this.#sessions.clientLine(flow, bytes, start, end, traits)
        : this.#sessions.serverLine(flow, bytes, start, end, traits);
    if (outcome === undefined) return;
    const line = bytes.subarray(start, end);
    this.#conclude(outcome, { half, line, sequence, traits, packet: this.#packet, time: this.#now });
  }

  #conclude(outcome: Outcome, origin: LineOrigin): void {
    const flow = origin.half >> 1;
    const connection = this.#connections.of(flow);
    switch (outcome.kind) {
      case 'announcement':
        this.#cause(this.#judge.decide(connection, origin, outcome.announcement));
        break;
      case 'refused':
        this.#cause(this.#judge.refuse(connection, origin, outcome));
        break;
      case 'encrypted':
        this.#traits[flow] = (this.#traits[flow] ?? 0) | FLOW_TRAITS.released;
        this.#cause({ kind: 'release', connection: connection.original, cause: outcome.kind });
        break;
      case 'not-ftp':
        this.#cause({ kind: 'release', connection: connection.original, cause: outcome.kind });
        break;
    }
  }

  #cause(effect: Effect): void {
    this.#effects.push(effect);
    if (effect.kind === 'expect') this.counters.expected++;
    else if (effect.kind === 'refuse') this.counters.refused++;
    else this.counters[RELEASE_COUNTERS[effect.cause]]++;
  }

  #forget(flow: number): void {
    this.#forgetStreams(flow);
    this.#sessions.forget(flow);
    if (this.#is(flow, FLOW_TRAITS.translated)) this.#translations.forget(flow);
  }

  #is(flow: number, trait: number): boolean {
    return ((this.#traits[flow] ?? 0) & trait) !== 0;
  }

  #forgetStreams(flow: number): void {
    for (let half = flow * 2; half <= flow * 2 + 1; half++) {
      this.#streams.forget(half);
      this.#lines.forget(half);
    }
  }
}
