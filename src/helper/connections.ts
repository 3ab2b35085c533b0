/**
 * The control connections that are followed: which of them a packet belongs to, by its tuple, and when one begins and
 * ends. What is not known yet is asked for, once a connection.
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
  /** Connections tracked at once; the oldest idle one makes room. */
  readonly capacity: number;
  /** Connections of one client that are followed at once; the one that it has had for longest makes room. */
  readonly maxConnectionsPerClient: number;
  /** Seed of the flow table's hash: random where the packets come from a network. */
  readonly seed: number;
}

/** Who is told of connections, by the number of their flow. */
export interface ConnectionListener {
  /** `opening`: seen from its beginning. */
  onBegin(flow: number, connection: TrackedConnection, opening: boolean): void;
  /** It is not followed any more; its tuples can still be asked for. */
  onEnd(flow: number): void;
}

const PORT_COUNT = 65_536;
const NO_HALF = -1;
/** Questions about one flow in a second: a SYN-ACK in the middle of a connection costs its sender little, and us one. */
const QUESTIONS_A_SECOND = 10;

export class Connections {
  /** Packets of connections that are not known, or to no FTP port. */
  others = 0;
  /** Connections that made room for others of their own client. */
  displacedByOwn = 0;
  readonly #conntrack: Conntrack;
  /** 1 at each FTP port. */
  readonly #isFtpPort = new Uint8Array(PORT_COUNT);
  readonly #flows: FlowTable;
  /** Conntrack's id of each flow's connection. */
  readonly #ids: Uint32Array;
  /** The moment, see `momentOf`, at which conntrack was last asked whose each flow's tuple is. */
  readonly #askedAt: Uint32Array;
  /** 1 for a flow that counts among those of its client. */
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

  /** Connections followed now. */
  get size(): number {
    return this.#flows.size;
  }

  /** Connections that made room for others. */
  get displaced(): number {
    return this.#flows.evictions;
  }

  original(flow: number): Tuple {
    return this.#flows.original(flow);
  }

  of(flow: number): Connection {
    return { original: this.#flows.original(flow), reply: this.#flows.reply(flow) };
  }

  /** The half-stream that the TCP segment in `ip` belongs to; -1 where it is none of ours. */
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

  /** Conntrack has destroyed it. Its successor of the same tuples may have begun before we hear of it, and stays. */
  onEnded({ original, id }: TrackedConnection): void {
    const flow = this.flowOf(original);
    if (flow >= 0 && this.#ids[flow] === id) this.end(flow);
  }

  /** -1 where it is not followed. */
  flowOf(original: Tuple): number {
    return this.#flows.findTuple(original) >> 1;
  }

  /** Forgets connections that have been silent since before `moment`, seconds since 1970. */
  expire(moment: number): void {
    this.#flows.expire(moment);
  }

  /** Forgets what is known of a connection; its next packet is as its first. */
  end(flow: number): void {
    this.#forget(flow);
    this.#flows.remove(flow);
  }

  /**
   * The client of a flow has said something, so the connection is its own: whoever forges its address gets no further than
   * the SYN-ACK. From now on it counts.
   */
  prove(flow: number): void {
    if (this.#counted[flow] === 1) return;
    this.#counted[flow] = 1;
    const other = this.#clients.admit(flow, this.#flows.original(flow).source);
    if (other === undefined) return;
    this.displacedByOwn++;
    this.end(other);
  }

  /** Whether it is a SYN-ACK, and conntrack has just been asked whose its tuple is. */
  #wasAskedFor(half: number, bytes: Buffer, at: number, now: number): boolean {
    if (half < 0 || (tcpFlags(bytes, at) & TCP_FLAGS.ack) === 0) return false;
    return momentOf(now) === this.#askedAt[half >> 1];
  }

  /** A SYN or SYN-ACK, whose TCP header is `at`, that does not belong to the connection which opened the flow of `half`. */
  #opensConnection(half: number, bytes: Buffer, at: number): boolean {
    const flags = tcpFlags(bytes, at);
    if ((flags & TCP_FLAGS.syn) === 0 || (flags & TCP_FLAGS.rst) !== 0) return false;
    if (half < 0) return true;
    if (this.#streams.begun(half)) return !this.#streams.beganAt(half, tcpSequence(bytes, at));
    const answered = sequenceAdd(tcpAcknowledgment(bytes, at), -1);
    return (flags & TCP_FLAGS.ack) === 0 || !this.#streams.beganAt(half ^ 1, answered);
  }

  /** `before` is a half of the flow that has this tuple, if one does: of an earlier connection, or of this very one. */
  #begin(before: number, seen: Tuple, opening: boolean, now: number): number {
    const connection = this.#conntrack.find(seen);
    if (connection === undefined || this.#isFtpPort[connection.original.destinationPort] === 0) {
      this.others++;
      return NO_HALF;
    }
    // A SYN-ACK in the middle of a connection is no new one, whatever its numbers say: its peer ignores it.
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

/** Of `now`, in seconds: whole moments, of which there are `QUESTIONS_A_SECOND`; each number comes again after 13 years. */
const momentOf = (now: number): number => Math.floor(now * QUESTIONS_A_SECOND) >>> 0;
