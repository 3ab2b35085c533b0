/**
 * The tracked control connections: finds the connection of a packet by its tuple, and notices when a connection begins and
 * ends. Conntrack is asked once for each unknown connection.
 *
 * @module
 */
import { FlowTable } from '../tcp/flow-table.js';
import type { Reassembler } from '../tcp/reassembler.js';
import { sequenceAdd } from '../tcp/sequence.js';
import { ipAddressAt, type IpView } from '../wire/ip.js';
import {
  TCP_FLAGS,
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFlags,
  tcpSequence,
  tcpSourcePort,
} from '../wire/tcp.js';
import type { Tuple } from '../wire/tuple.js';
import { ClientLimit } from './client-limit.js';
import type { Conntrack } from './conntrack.js';
import { isUnderWay, type Connection, type TrackedConnection } from './plan.js';

export interface ConnectionsOptions {
  /** Ports of FTP servers as clients address them, before any DNAT; 1 to 65535. */
  readonly ports: readonly number[];
  /** Connections tracked at once; at the limit the one idle longest is evicted. */
  readonly capacity: number;
  /** Connections of one client tracked at once; at the limit the client's oldest one is evicted. */
  readonly maxConnectionsPerClient: number;
  /** Seed of the flow table's hash: random if the packets come from a network. */
  readonly seed: number;
}

/** Receives the beginning and end of connections, by flow number. */
export interface ConnectionListener {
  /** `opening`: tracked from its SYN or SYN-ACK. */
  onBegin(flow: number, connection: TrackedConnection, opening: boolean): void;
  /** The connection is no longer tracked; its tuples can still be read. */
  onEnd(flow: number): void;
}

const PORT_COUNT = 65_536;
const NO_HALF = -1;
/** Conntrack queries about one flow per second: a mid-stream SYN-ACK costs its sender little, and this host a query. */
const QUESTIONS_A_SECOND = 10;

export class Connections {
  /** Packets of unknown connections, or to a port that is not an FTP port. */
  others = 0;
  /** Connections evicted for others of the same client. */
  displacedByOwn = 0;
  readonly #conntrack: Conntrack;
  /** 1 for each FTP port. */
  readonly #isFtpPort = new Uint8Array(PORT_COUNT);
  readonly #flows: FlowTable;
  /** Conntrack's id of each flow's connection. */
  readonly #ids: Uint32Array;
  /** When conntrack was last queried about each flow's tuple, as `momentOf` counts. */
  readonly #askedAt: Uint32Array;
  /** 1 for a flow that is counted for its client. */
  readonly #counted: Uint8Array;
  readonly #clients: ClientLimit;
  readonly #streams: Reassembler;
  readonly #listener: ConnectionListener;

  constructor(
    options: ConnectionsOptions,
    conntrack: Conntrack,
    streams: Reassembler,
    listener: ConnectionListener,
  ) {
    const { capacity, seed } = options;
    this.#conntrack = conntrack;
    for (const port of options.ports) this.#isFtpPort[port] = 1;
    this.#flows = new FlowTable({
      capacity,
      seed,
      onEvict: (flow) => {
        this.#forget(flow);
      },
    });
    this.#ids = new Uint32Array(capacity);
    this.#askedAt = new Uint32Array(capacity);
    this.#counted = new Uint8Array(capacity);
    this.#clients = new ClientLimit(options.maxConnectionsPerClient);
    this.#streams = streams;
    this.#listener = listener;
  }

  /** Connections tracked now. */
  get size(): number {
    return this.#flows.size;
  }

  /** Connections evicted for others. */
  get displaced(): number {
    return this.#flows.evictions;
  }

  original(flow: number): Tuple {
    return this.#flows.original(flow);
  }

  of(flow: number): Connection {
    return { original: this.#flows.original(flow), reply: this.#flows.reply(flow) };
  }

  /** Returns the half-stream of the TCP segment in `ip`; -1 if its connection is not tracked. */
  halfOf(bytes: Buffer, ip: IpView, now: number): number {
    const sourcePort = tcpSourcePort(bytes, ip.payloadAt);
    const destinationPort = tcpDestinationPort(bytes, ip.payloadAt);
    const half = this.#flows.find(
      ip.family,
      bytes,
      ip.sourceAt,
      ip.destinationAt,
      sourcePort,
      destinationPort,
    );
    const opening = this.#opensConnection(half, bytes, ip.payloadAt);
    if (opening && this.#wasAskedFor(half, bytes, ip.payloadAt, now)) return NO_HALF;
    if (half < 0 || opening) {
      const seen: Tuple = {
        source: ipAddressAt(bytes, ip.sourceAt, ip.family),
        destination: ipAddressAt(bytes, ip.destinationAt, ip.family),
        sourcePort,
        destinationPort,
      };
      return this.#begin(half, seen, opening, now);
    }
    this.#flows.touch(half >> 1, now);
    return half;
  }

  /** Conntrack has destroyed the connection. A newer connection of the same tuples may have begun before this event arrives; it stays tracked. */
  onEnded({ original, id }: TrackedConnection): void {
    const flow = this.flowOf(original);
    if (flow >= 0 && this.#ids[flow] === id) this.end(flow);
  }

  /** -1 if the connection is not tracked. */
  flowOf(original: Tuple): number {
    return this.#flows.findTuple(original) >> 1;
  }

  /** Forgets connections that have been silent since before `moment`, seconds since 1970. */
  expire(moment: number): void {
    this.#flows.expire(moment);
  }

  /** Forgets a connection; its next packet is handled like a first packet. */
  end(flow: number): void {
    this.#forget(flow);
    this.#flows.remove(flow);
  }

  /**
   * The client has sent payload, so its address is not forged: a forger never sees the SYN-ACK. The flow counts towards the
   * client's limit from now on.
   */
  prove(flow: number): void {
    if (this.#counted[flow] === 1) return;
    this.#counted[flow] = 1;
    const other = this.#clients.admit(flow, this.#flows.original(flow).source);
    if (other === undefined) return;
    this.displacedByOwn++;
    this.end(other);
  }

  /** Whether the packet is a SYN-ACK and conntrack was queried about its tuple just now. */
  #wasAskedFor(half: number, bytes: Buffer, at: number, now: number): boolean {
    if (half < 0 || (tcpFlags(bytes, at) & TCP_FLAGS.ack) === 0) return false;
    return momentOf(now) === this.#askedAt[half >> 1];
  }

  /** Whether the packet, with its TCP header at `at`, is a SYN or SYN-ACK of another connection than the flow of `half`. */
  #opensConnection(half: number, bytes: Buffer, at: number): boolean {
    const flags = tcpFlags(bytes, at);
    if ((flags & TCP_FLAGS.syn) === 0 || (flags & TCP_FLAGS.rst) !== 0) return false;
    if (half < 0) return true;
    if (this.#streams.begun(half)) return !this.#streams.beganAt(half, tcpSequence(bytes, at));
    const answered = sequenceAdd(tcpAcknowledgment(bytes, at), -1);
    return (flags & TCP_FLAGS.ack) === 0 || !this.#streams.beganAt(half ^ 1, answered);
  }

  /** `before` is a half of the flow that has this tuple, if there is one: of an earlier connection, or of this one. */
  #begin(before: number, seen: Tuple, opening: boolean, now: number): number {
    const connection = this.#conntrack.find(seen);
    if (connection === undefined || this.#isFtpPort[connection.original.destinationPort] === 0) {
      this.others++;
      return NO_HALF;
    }
    // A mid-stream SYN-ACK never begins a connection, whatever its sequence number: the peer ignores it.
    if (before >= 0 && this.#ids[before >> 1] === connection.id) {
      this.#askedAt[before >> 1] = momentOf(now);
      return NO_HALF;
    }
    if (before >= 0) this.end(before >> 1);
    const flow = this.#flows.add(connection.original, connection.reply, now);
    this.#ids[flow] = connection.id;
    this.#askedAt[flow] = momentOf(now);
    this.#listener.onBegin(flow, connection, opening && !isUnderWay(connection));
    return this.#flows.findTuple(seen);
  }

  #forget(flow: number): void {
    this.#listener.onEnd(flow);
    if (this.#counted[flow] === 0) return;
    this.#counted[flow] = 0;
    this.#clients.release(flow, this.#flows.original(flow).source);
  }
}

/** Converts `now`, in seconds, to whole moments, `QUESTIONS_A_SECOND` of them per second; wraps after 13 years. */
const momentOf = (now: number): number => Math.floor(now * QUESTIONS_A_SECOND) >>> 0;
