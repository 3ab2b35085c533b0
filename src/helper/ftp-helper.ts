/**
 * The helper: packets of FTP control connections and time in, verdicts out. It composes the layers (addresses → flow →
 * bytes in order → lines → dialogue → policy → expectation → verdict). What a packet causes is done through the `Conntrack`
 * port before `onPacket` returns, and reported to `HelperEvents`.
 *
 * A packet that announces nothing costs no allocation: its verdict is one shared object.
 *
 * @module
 */
import { DEFAULT_MAX_TAIL_BYTES, LineScanner, type LineSink } from '../ftp/line-scanner.js';
import type { LineView } from '../ftp/line-view.js';
import { DEFAULT_POLICY, type Policy } from '../ftp/policy.js';
import { Dialogues, type Outcome } from '../ftp/dialogue.js';
import { DEFAULT_MAX_TOTAL_BYTES, Reassembler, type ByteSink } from '../tcp/reassembler.js';
import { sequenceAdd } from '../tcp/sequence.js';
import { IpView } from '../wire/ip.js';
import { readTcpPacket } from '../wire/tcp-packet.js';
import { TCP_FLAGS, tcpAcknowledgment, tcpFlags, tcpHeaderLength, tcpSequence } from '../wire/tcp.js';
import type { Tuple } from '../wire/tuple.js';
import { AnnouncementJudge, type LineOrigin } from './judge.js';
import { Connections, type ConnectionsOptions } from './connections.js';
import type { Conntrack } from './conntrack.js';
import { newHelperCounters, type HelperCounters, type LimitCounters } from './counters.js';
import type { Effect } from './effect.js';
import { Effects } from './effects.js';
import type { HelperEvents } from './events.js';
import { isTranslated, type TrackedConnection } from './plan.js';
import { ACCEPT, Verdicts, type Verdict } from './nat/verdict.js';
import { PublicAddresses, type PublicAddress } from './nat/public-addresses.js';
import { NatStreams } from './nat/nat-streams.js';
import { Opener, type OpenerOptions } from './opener.js';

interface ResolvedOptions extends ConnectionsOptions, OpenerOptions {
  readonly policy: Policy;
  /** Out-of-order bytes held for all connections together. */
  readonly maxOutOfOrderTotal: number;
  /** Bytes of unfinished lines kept for all connections together. */
  readonly maxUnfinishedLineTotal: number;
  /** What clients call servers, if another host than this one does NAT between them. */
  readonly publicAddresses: readonly PublicAddress[];
  /** Seconds after which `expire` forgets a silent connection. */
  readonly idleSeconds: number;
}

/** Only `ports` has to be given; see `HELPER_DEFAULTS` for the rest. */
export interface FtpHelperOptions
  extends Pick<ResolvedOptions, 'ports'>, Partial<Omit<ResolvedOptions, 'ports'>> {}

/** The defaults of a helper; `seed` is random. */
export const HELPER_DEFAULTS = {
  policy: DEFAULT_POLICY,
  capacity: 262_144,
  maxConnectionsPerClient: 4096,
  maxExpectationsPerClient: 512,
  maxOutOfOrderTotal: DEFAULT_MAX_TOTAL_BYTES,
  maxUnfinishedLineTotal: DEFAULT_MAX_TAIL_BYTES,
  idleSeconds: 432_000,
  publicAddresses: [],
  random: Math.random,
} as const satisfies Omit<ResolvedOptions, 'ports' | 'seed'>;
const SEEDS = 2 ** 32;

/** A packet in memory, borrowed for the call. One object may serve all packets. */
export interface PacketView {
  readonly bytes: Buffer;
  /** Where its IP header begins, and where it ends. */
  readonly start: number;
  readonly end: number;
  /** The packet's number in decisions: a frame number, or the queue's packet id. */
  readonly number: number;
}

/** Properties of a flow: a set of bits. */
const FLOW_TRAITS = {
  /** The flow is no longer read. */
  released: 1,
  /** NAT by us or by another host: its announcements may have to be rewritten. */
  nat: 2,
  /** Seen from its beginning: only then does a SYN or SYN-ACK show where lines begin. */
  opened: 4,
} as const;
/** Directions within a half number: the low bit. */
const ORIGINAL = 0;
const NO_HALF = -1;

export class FtpHelper {
  readonly counters: HelperCounters = newHelperCounters();
  readonly #judge: AnnouncementJudge;
  readonly #connections: Connections;
  readonly #streams: Reassembler;
  readonly #lines: LineScanner;
  readonly #dialogues: Dialogues;
  /** `FLOW_TRAITS` of each flow. */
  readonly #traits: Uint8Array;
  readonly #ip = new IpView();
  /** What the packet causes, until it is carried out. */
  readonly #caused: Effect[] = [];
  readonly #publicAddresses: PublicAddresses;
  readonly #natStreams: NatStreams;
  readonly #opener: Opener;
  readonly #effects: Effects;
  readonly #verdicts: Verdicts;
  readonly #idleSeconds: number;
  readonly #observing: boolean;
  /** The half of a NAT connection of which the packet carries payload, else -1. */
  #natHalf = NO_HALF;
  #packet = 0;
  #now = 0;

  constructor(given: FtpHelperOptions, conntrack: Conntrack, events: HelperEvents) {
    const seed = Math.floor((given.random ?? Math.random)() * SEEDS);
    const options: ResolvedOptions = { ...HELPER_DEFAULTS, seed, ...given };
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
      onLine: (half, line) => {
        this.#readLine(half, line);
      },
    };
    this.#publicAddresses = new PublicAddresses(options.publicAddresses);
    this.#judge = new AnnouncementJudge(options.policy, this.#publicAddresses);
    this.#streams = new Reassembler({ halves, maxTotalBytes: options.maxOutOfOrderTotal }, bytes);
    this.#connections = new Connections(options, conntrack, this.#streams, {
      onBegin: (flow, connection, opening) => {
        this.#begin(flow, connection, opening);
      },
      onEnd: (flow) => {
        this.#forget(flow);
      },
    });
    this.#lines = new LineScanner({ halves, maxTailBytes: options.maxUnfinishedLineTotal }, lines);
    this.#natStreams = new NatStreams(halves);
    this.#opener = new Opener(options, options.policy.passivePorts, conntrack, this.#natStreams);
    this.#effects = new Effects(this.#opener, conntrack, events, this.counters);
    this.#verdicts = new Verdicts({
      conntrack,
      connections: this.#connections,
      streams: this.#streams,
      lines: this.#lines,
      natStreams: this.#natStreams,
      counters: this.counters,
    });
    this.#idleSeconds = options.idleSeconds;
    this.#observing = options.observing === true;
    this.#dialogues = new Dialogues({ flows: options.capacity, policy: options.policy });
    this.#traits = new Uint8Array(options.capacity);
  }

  /** Connections tracked now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Counters of reached limits and irregular streams, by name. */
  get limitCounters(): LimitCounters {
    const { tooLong, nul, bareLineFeed, tailsDropped } = this.#lines.counters;
    const streams = this.#streams.counters;
    return {
      linesTooLong: tooLong,
      linesWithNul: nul,
      linesWithBareLineFeed: bareLineFeed,
      unfinishedLinesDropped: tailsDropped,
      commandsForgotten: this.#dialogues.commandOverflows,
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
   * Reads one packet, carries out what it causes, and returns its verdict. Throws what `Conntrack.find` throws; then the
   * packet was not read.
   *
   * @param now  seconds since 1970; never goes back by more than a clock step
   */
  onPacket(packet: PacketView, now: number): Verdict {
    this.counters.packets++;
    const { bytes } = packet;
    if (!readTcpPacket(this.#ip, bytes, packet.start, packet.end)) {
      this.counters.unreadable++;
      return ACCEPT;
    }
    this.#packet = packet.number;
    this.#now = now;
    this.#natHalf = NO_HALF;
    if (this.#caused.length > 0) this.#caused.length = 0;
    const half = this.#connections.halfOf(bytes, this.#ip, now);
    if (half < 0) return ACCEPT;
    this.#readSegment(half, bytes);
    if (this.#caused.length > 0) this.#carryOut(now);
    return this.#natHalf === NO_HALF || this.#observing ? ACCEPT : this.#natVerdict(bytes);
  }

  /** Conntrack has destroyed a connection. */
  onConnectionEnded(connection: TrackedConnection): void {
    this.#connections.onEnded(connection);
  }

  /** Conntrack reports that an expectation was used, has expired or was removed. */
  onExpectationEnded(tuple: Tuple): void {
    this.#opener.onEnded(tuple);
  }

  /** Forgets connections that have been silent for `idleSeconds`, and expectations that must have expired. */
  expire(now: number): void {
    this.#connections.expire(now - this.#idleSeconds);
    this.#opener.expire(now);
  }

  #carryOut(now: number): void {
    for (const effect of this.#caused) this.#effects.carryOut(effect, now);
  }

  #natVerdict(bytes: Buffer): Verdict {
    const verdict = this.#verdicts.of(this.#natHalf, bytes, this.#ip, this.#now);
    for (const promised of this.#natStreams.takeWithdrawn()) this.#effects.withdraw(promised);
    return verdict;
  }

  #begin(flow: number, connection: TrackedConnection, opening: boolean): void {
    const translated = isTranslated(connection) || this.#isKnownOtherwise(connection);
    this.#traits[flow] = (opening ? FLOW_TRAITS.opened : 0) | (translated ? FLOW_TRAITS.nat : 0);
    if (translated) this.#natStreams.follow(flow, connection);
    this.#dialogues.begin(flow, !opening);
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
    // The peer ignores it, but it could lead the helper into the middle of a line.
    if (syn !== 0 && !this.#is(half >> 1, FLOW_TRAITS.opened)) return;
    if (syn !== 0) this.#synchronise(half, sequence, flags, bytes);
    // The acknowledgement first: it may skip a hole in the other direction, whose lines came before this one's.
    if ((flags & TCP_FLAGS.ack) !== 0) this.#acknowledge(half ^ 1, tcpAcknowledgment(bytes, at));
    if ((flags & TCP_FLAGS.rst) !== 0) {
      // RFC 9293 §3.5.3: only a reset at exactly the next sequence number is valid.
      if (this.#streams.next(half) === sequence) this.#connections.end(half >> 1);
      return;
    }
    const payloadAt = at + tcpHeaderLength(bytes, at);
    if (payloadAt < ip.end && (half & 1) === ORIGINAL) this.#connections.prove(half >> 1);
    if (this.#is(half >> 1, FLOW_TRAITS.nat) && payloadAt < ip.end) {
      if (this.#natStreams.presumes(half, sequence, this.#now)) this.#streams.acknowledge(half, sequence);
      this.#natHalf = half;
    }
    this.#streams.receive(half, sequence, bytes, payloadAt, ip.end, (flags & TCP_FLAGS.fin) !== 0);
  }

  /** If bytes were rewritten, their receiver acknowledges other sequence numbers than were sent. */
  #acknowledge(half: number, acknowledgment: number): void {
    const translated = this.#is(half >> 1, FLOW_TRAITS.nat);
    this.#streams.acknowledge(
      half,
      translated ? this.#natStreams.acknowledge(half, acknowledgment) : acknowledgment,
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

  #readLine(half: number, view: LineView): void {
    const flow = half >> 1;
    if (this.#is(flow, FLOW_TRAITS.released)) return;
    this.counters.lines++;
    const outcome =
      (half & 1) === ORIGINAL
        ? this.#dialogues.clientLine(flow, view)
        : this.#dialogues.serverLine(flow, view);
    if (outcome === undefined) return;
    const { sequence, traits } = view;
    const line = view.bytes.subarray(view.start, view.end);
    this.#onOutcome(outcome, { half, line, sequence, traits, packet: this.#packet, time: this.#now });
  }

  #onOutcome(outcome: Outcome, origin: LineOrigin): void {
    const flow = origin.half >> 1;
    const connection = this.#connections.of(flow);
    switch (outcome.kind) {
      case 'announcement':
        this.#caused.push(this.#judge.decide(connection, origin, outcome.announcement));
        break;
      case 'refused':
        this.#caused.push(this.#judge.refuse(connection, origin, outcome));
        break;
      case 'encrypted':
        this.#traits[flow] = (this.#traits[flow] ?? 0) | FLOW_TRAITS.released;
        this.#caused.push({ kind: 'release', connection: connection.original, cause: outcome.kind });
        break;
      case 'not-ftp':
        this.#caused.push({ kind: 'release', connection: connection.original, cause: outcome.kind });
        break;
    }
  }

  #forget(flow: number): void {
    this.#forgetStreams(flow);
    this.#dialogues.forget(flow);
    if (this.#is(flow, FLOW_TRAITS.nat)) this.#natStreams.forget(flow);
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
