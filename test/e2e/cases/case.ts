/**
 * A case: what two hosts send each other, byte by byte and segment by segment, and what must come of it. Addresses are
 * those of `topology.ts`; what is opened is the announcer's own address unless it says otherwise.
 *
 * @module
 */
import { TCP_FLAGS } from '../../../src/wire/tcp.js';
import type { Segment } from '../../kernel/raw-tcp.js';
import type { Family } from '../../lab/family.js';

export type Speaker = 'client' | 'server';

/**
 * What becomes of a segment on the gateway. Conntrack calls some `invalid`, so that they match no rule that queues, and the
 * filter drops them; some are `lost` in the gateway's IP layer, or dropped by its filter. Nothing else may be dropped.
 */
export type Fate = 'arrives' | 'invalid' | 'lost';

export interface SegmentStep extends Partial<Omit<Segment, 'sequence' | 'acknowledgment' | 'sack'>> {
  readonly kind: 'segment';
  readonly from: Speaker;
  readonly payload: string;
  /** Bytes into what the sender says in this case; where it has got to, by default. */
  readonly at?: number;
  /** Bytes into what the other side says; all that it has said, by default. */
  readonly acknowledges?: number;
  /** What its sender says next does not come after it. */
  readonly aside?: boolean;
  readonly fate?: Fate;
}

/** The first segment of a data connection. */
export interface DialStep {
  readonly kind: 'dial';
  readonly from: Speaker | 'third';
  readonly to: Speaker;
  readonly port: number;
  readonly fate: Fate;
}

/** Our daemon ends and another one starts, which knows nothing of the connection. */
export interface RestartStep {
  readonly kind: 'restart';
}

export type Step = SegmentStep | DialStep | RestartStep;

export interface Case {
  readonly name: string;
  /** 4 by default. */
  readonly family?: Family;
  /**
   * What comes before the steps: by default the handshake, a greeting, a login; `connected` is the handshake alone,
   * and with `nothing` position 0 is the first after the SYN that the steps may have.
   */
  readonly opening?: 'greeted' | 'connected' | 'nothing';
  readonly steps: readonly Step[];
  /** Ports that ours must open, each in place of the one before. */
  readonly opens: readonly number[];
  /** Reasons for which ours must refuse announcements, in order. */
  readonly refuses: readonly string[];
}

/** A case that wants to desynchronise the reader and the receiver. */
export interface Evasion extends Case {
  /** Why what ours does is safe: a sentence or two. */
  readonly why: string;
}

type Details = Omit<Partial<SegmentStep>, 'kind' | 'from' | 'payload'>;

export const client = (payload: string, details: Details = {}): SegmentStep => ({
  ...{ kind: 'segment', from: 'client', payload },
  ...details,
});

export const server = (payload: string, details: Details = {}): SegmentStep => ({
  ...{ kind: 'segment', from: 'server', payload },
  ...details,
});

export const dial = (from: DialStep['from'], to: Speaker, port: number, fate: Fate): DialStep => ({
  ...{ kind: 'dial', from, to, port, fate },
});

export const RESTART: RestartStep = { kind: 'restart' };

/** What becomes of the packet of a step; nothing that is sent ends otherwise by default. */
export const fateOf = (step: Step): Fate => (step.kind === 'restart' ? 'arrives' : (step.fate ?? 'arrives'));

/** What a segment has if it does not say otherwise. */
export const flagsOf = ({ flags, payload }: SegmentStep): number =>
  flags ?? (payload === '' ? TCP_FLAGS.ack : TCP_FLAGS.ack | TCP_FLAGS.psh);

/** Bytes and segments that several cases send. */
export const PORT = 'PORT 10,1,0,2,156,64\r\n';
export const PORT_ELSEWHERE = 'PORT 10,1,0,2,156,65\r\n';
export const PASSIVE = '227 Entering passive mode (10,2,0,2,156,64).\r\n';
export const OK = server('200 ok\r\n');

/** The segments of one speaker for `text`, cut at the given places. */
export function cut(speak: typeof client, text: string, ...places: readonly number[]): SegmentStep[] {
  const edges = [0, ...places, text.length];
  return edges.slice(1).map((end, at) => speak(text.slice(edges[at], end)));
}

const bytesOf = (text: string): string[] => Array.from(text);

export const byteAtATime = (speak: typeof client, text: string): SegmentStep[] =>
  bytesOf(text).map((byte, at) => speak(byte, { at }));

/** Every place at which `text` can be cut in two. */
export const everyPlace = (text: string): number[] =>
  bytesOf(text)
    .slice(1)
    .map((_, at) => at + 1);
