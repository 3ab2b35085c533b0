/**
 * How a packet goes on when it has been read and its effects are carried out: as it is, with other bytes, or not
 * now. Only packets with payload of translated connections ever go on in another way than they came.
 *
 * @module
 */
import { DEFAULT_MAX_LINE, type LineScanner } from '../../ftp/line-scanner.js';
import { endpointMayBeginAt } from '../../ftp/unfinished-line.js';
import type { Reassembler } from '../../tcp/reassembler.js';
import { sequenceAdd, sequenceEarlier } from '../../tcp/sequence.js';
import type { Passing } from './stream-edits.js';
import type { IpView } from '../../wire/ip.js';
import type { SequenceAdjustment } from '../../wire/seqadj.js';
import { TCP_HEADER_LENGTH, tcpHeaderLength, tcpSequence } from '../../wire/tcp.js';
import type { Tuple } from '../../wire/tuple.js';
import type { Connections } from '../connections.js';
import type { HelperCounters } from '../counters.js';
import { MAX_PACKET, rewriteSegment } from './segment-rewrite.js';
import { directionOf, type PassingCause, type Translations } from './nat-streams.js';

/** How a packet goes on. */
export type Passage =
  | { readonly kind: 'accept' }
  /** Only where a rewrite cannot do without: its sender sends it again. */
  | { readonly kind: 'drop'; readonly cause: PassingCause | 'packet-too-long' }
  /** With other bytes: `[0, length)` of `rewritten`. */
  | {
      readonly kind: 'replace';
      readonly length: number;
      /** To be in force in the kernel first. */
      readonly adjustment:
        { readonly direction: 'original' | 'reply'; readonly value: SequenceAdjustment } | undefined;
      /** The control connection that is adjusted. */
      readonly connection: Tuple;
    };

const ACCEPT: Passage = Object.freeze({ kind: 'accept' });
/** Payload that every path takes, unless its receiver asked for less: RFC 9293 §3.7.1, RFC 8200 §5 less the headers; options take of it. */
const SAFE_PAYLOAD = { 4: 536, 6: 1220 } as const;
const NO_HALF = -1;

export class Passages {
  /** Where a packet that goes on with other bytes is written. */
  readonly rewritten = Buffer.alloc(MAX_PACKET);
  readonly #connections: Connections;
  readonly #streams: Reassembler;
  readonly #lines: LineScanner;
  readonly #translations: Translations;
  readonly #counters: HelperCounters;
  /** The half of the packet last read, where it is one that may go on otherwise; else -1. */
  #half = NO_HALF;
  #passing: Passing | undefined;

  constructor(
    connections: Connections,
    streams: Reassembler,
    lines: LineScanner,
    translations: Translations,
    counters: HelperCounters,
  ) {
    this.#connections = connections;
    this.#streams = streams;
    this.#lines = lines;
    this.#translations = translations;
    this.#counters = counters;
  }

  /** The next packet goes on as it came, unless it is taken. */
  reset(): void {
    this.#half = NO_HALF;
    this.#passing = undefined;
  }

  /** The packet being read has payload of this half of a translated connection. */
  take(half: number): void {
    this.#half = half;
  }

  /**
   * How the packet of `ip` goes on.
   *
   * @param now  seconds
   */
  of(bytes: Buffer, ip: IpView, now: number): Passage {
    const half = this.#half;
    if (half === NO_HALF) return ACCEPT;
    const headerLength = tcpHeaderLength(bytes, ip.payloadAt);
    const sequence = tcpSequence(bytes, ip.payloadAt);
    const length = ip.end - ip.payloadAt - headerLength;
    const room = Math.max(length, SAFE_PAYLOAD[ip.family] + TCP_HEADER_LENGTH - headerLength);
    const known = this.#knownTo(half, sequenceAdd(sequence, length));
    const passing = this.#translations.pass(half, sequence, length, known, room, now);
    if (passing === undefined) return ACCEPT;
    if (passing.kind === 'withhold') return this.#withhold(passing.cause);
    this.#passing = passing;
    if (isAsItCame(passing, sequence, length)) {
      this.passed();
      return ACCEPT;
    }
    return this.#replace(bytes, ip, passing);
  }

  /** The packet goes on as `of` said, its adjustment in force. */
  passed(): void {
    if (this.#passing === undefined) return;
    if (this.#passing.edits.length > 0) this.#counters.rewritten++;
    this.#translations.commit(this.#half, this.#passing);
  }

  #replace(bytes: Buffer, ip: IpView, passing: Passing): Passage {
    const length = rewriteSegment(bytes, ip, passing, this.rewritten);
    if (length === undefined) return this.#withhold('packet-too-long');
    const { adjustment: value } = passing;
    const adjustment = value === undefined ? undefined : { direction: directionOf(this.#half), value };
    return { kind: 'replace', length, adjustment, connection: this.#connections.original(this.#half >> 1) };
  }

  #withhold(cause: PassingCause | 'packet-too-long'): Passage {
    this.#counters.withheld++;
    return { kind: 'drop', cause };
  }

  /** Up to which number the bytes of `half` were read, and are not of an announcement that has not ended. */
  #knownTo(half: number, end: number): number {
    // Nothing more is read of a connection that has just turned to TLS.
    const next = this.#streams.next(half) ?? end;
    const line = this.#lines.unfinished(half);
    if (line === undefined) return next;
    // Of a line that is too long, nothing is an announcement any more.
    if (line.length > DEFAULT_MAX_LINE) return next;
    const { bytes, kept } = line;
    const mayBegin = endpointMayBeginAt(bytes, 0, kept, (half & 1) === 0);
    return sequenceEarlier(next, sequenceAdd(line.sequence, mayBegin === kept ? line.length : mayBegin));
  }
}

const isAsItCame = (
  { edits, from, to, sequence: number }: Passing,
  sequence: number,
  length: number,
): boolean =>
  edits.length === 0 && from === sequence && number === sequence && to === sequenceAdd(sequence, length);
