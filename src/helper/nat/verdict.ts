/**
 * The verdict on a packet that has been read and whose effects are carried out: forward it as it is, with other bytes, or
 * not now. Only packets with payload on NAT connections ever get another verdict than accept.
 *
 * @module
 */
import { ConntrackFtpError } from '../../errors.js';
import { DEFAULT_MAX_LINE, type LineScanner } from '../../ftp/line-scanner.js';
import { endpointMayBeginAt } from '../../ftp/unfinished-line.js';
import type { Reassembler } from '../../tcp/reassembler.js';
import { sequenceAdd, sequenceEarlier } from '../../tcp/sequence.js';
import type { IpView } from '../../wire/ip.js';
import type { SequenceAdjustment } from '../../wire/seqadj.js';
import { TCP_HEADER_LENGTH, tcpHeaderLength, tcpSequence } from '../../wire/tcp.js';
import type { Connections } from '../connections.js';
import type { Conntrack } from '../conntrack.js';
import type { HelperCounters } from '../counters.js';
import { directionOf, type NatStreams } from './nat-streams.js';
import { MAX_PACKET, rewriteSegment } from './segment-rewrite.js';
import type { Forwarding } from './stream-edits.js';

/** What becomes of a packet. */
export type Verdict =
  | { readonly kind: 'accept' }
  /** Its sender retransmits it. `cause` is for a log: a `DropCause`, or what conntrack answered. */
  | { readonly kind: 'drop'; readonly cause: string }
  /** Forward `packet` in its place; borrowed until the next packet. If it is lost, its sender retransmits it. */
  | { readonly kind: 'replace'; readonly packet: Buffer };

export const ACCEPT: Verdict = Object.freeze({ kind: 'accept' });
/**
 * Payload that fits on every path, unless its receiver asked for less (RFC 9293 §3.7.1, RFC 8200 §5, headers deducted).
 * TCP options reduce it.
 */
const SAFE_PAYLOAD = { 4: 536, 6: 1220 } as const;

export interface VerdictsParts {
  readonly conntrack: Conntrack;
  readonly connections: Connections;
  readonly streams: Reassembler;
  readonly lines: LineScanner;
  readonly natStreams: NatStreams;
  readonly counters: HelperCounters;
}

export class Verdicts {
  readonly #parts: VerdictsParts;
  /** Holds the packet that is forwarded in place of another. */
  readonly #rewritten = Buffer.alloc(MAX_PACKET);

  constructor(parts: VerdictsParts) {
    this.#parts = parts;
  }

  /**
   * Returns the verdict on the packet of `ip`, which has payload of `half`, a half of a NAT connection. When the verdict is
   * to forward it, the kernel's sequence adjustment is in force.
   *
   * @param now  seconds
   */
  of(half: number, bytes: Buffer, ip: IpView, now: number): Verdict {
    const headerLength = tcpHeaderLength(bytes, ip.payloadAt);
    const sequence = tcpSequence(bytes, ip.payloadAt);
    const length = ip.end - ip.payloadAt - headerLength;
    const room = Math.max(length, SAFE_PAYLOAD[ip.family] + TCP_HEADER_LENGTH - headerLength);
    const known = this.#knownTo(half, sequenceAdd(sequence, length));
    const verdict = this.#parts.natStreams.judge(half, sequence, length, known, room, now);
    if (verdict === undefined) return ACCEPT;
    if (verdict.kind === 'drop') return this.#drop(verdict.cause);
    if (isUnchanged(verdict, sequence, length)) {
      this.#commit(half, verdict);
      return ACCEPT;
    }
    return this.#replace(half, bytes, ip, verdict);
  }

  /** The kernel's numbers first, then the bytes: one without the other would break the connection. */
  #replace(half: number, bytes: Buffer, ip: IpView, forwarding: Forwarding): Verdict {
    const length = rewriteSegment(bytes, ip, forwarding, this.#rewritten);
    if (length === undefined) return this.#drop('packet-too-long');
    const { adjustment } = forwarding;
    if (adjustment !== undefined) {
      const outcome = this.#adjust(half, adjustment);
      if (outcome !== 'adjusted') {
        // Without its numbers it must not be forwarded. Its retransmission is the first packet of an unknown connection.
        this.#forget(half >> 1);
        return { kind: 'drop', cause: outcome };
      }
    }
    this.#commit(half, forwarding);
    return { kind: 'replace', packet: this.#rewritten.subarray(0, length) };
  }

  #adjust(half: number, adjustment: SequenceAdjustment): string {
    const { conntrack, connections } = this.#parts;
    try {
      return conntrack.adjustSequence(connections.original(half >> 1), directionOf(half), adjustment);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      return error.message;
    }
  }

  #forget(flow: number): void {
    this.#parts.natStreams.giveUp(flow);
    this.#parts.connections.end(flow);
  }

  #commit(half: number, forwarding: Forwarding): void {
    if (forwarding.edits.length > 0) this.#parts.counters.rewritten++;
    this.#parts.natStreams.commit(half, forwarding);
  }

  #drop(cause: string): Verdict {
    this.#parts.counters.withheld++;
    return { kind: 'drop', cause };
  }

  /** Returns the number up to which the bytes of `half` were read and belong to no unfinished announcement. */
  #knownTo(half: number, end: number): number {
    const { streams, lines } = this.#parts;
    // Nothing more is read of a connection that has just switched to TLS.
    const next = streams.next(half) ?? end;
    const line = lines.unfinished(half);
    if (line === undefined) return next;
    // A line that is too long announces nothing.
    if (line.length > DEFAULT_MAX_LINE) return next;
    const { bytes, kept } = line;
    const mayBegin = endpointMayBeginAt(bytes, 0, kept, (half & 1) === 0);
    return sequenceEarlier(next, sequenceAdd(line.sequence, mayBegin === kept ? line.length : mayBegin));
  }
}

const isUnchanged = (
  { edits, from, to, sequence: number }: Forwarding,
  sequence: number,
  length: number,
): boolean =>
  edits.length === 0 && from === sequence && number === sequence && to === sequenceAdd(sequence, length);
