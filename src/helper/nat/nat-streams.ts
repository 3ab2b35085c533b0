/**
 * The rewrites of NAT connections, and the verdict on each of their segments. Only NAT connections have state here.
 *
 * Bytes are forwarded once they have been read in order, up to the point at which the endpoint of an unfinished
 * announcement may begin. The rest is cut off the segment, and its sender retransmits it. If the sender has nothing
 * more to say, it does not wait for ever: after `MAX_WITHHELD` retransmissions the bytes are forwarded unchanged, and
 * an announcement in them can no longer be rewritten.
 *
 * @module
 */
import {
  sequenceAdd,
  sequenceBefore,
  sequenceDistance,
  sequenceEarlier,
  sequenceLater,
} from '../../tcp/sequence.js';
import { StreamEdits, type Forwarding, type StreamEdit, type StreamDropCause } from './stream-edits.js';
import type { SequenceAdjustment } from '../../wire/seqadj.js';
import type { PromisedExpectation } from '../effect.js';
import type { RewriteRefusal } from '../reasons.js';

/** Retransmissions of a segment that are dropped before it is forwarded unchanged: about six seconds. */
export const MAX_WITHHELD = 5;

/**
 * Two copies of a segment that arrive this many seconds apart are two transmissions. Less than any retransmission
 * timer (200 ms in Linux, one second in RFC 6298 §2.4), and more than the distance of duplicates made by the network.
 */
export const SENT_AGAIN_AFTER = 0.1;

/**
 * If a sender transmits the same segment a third time, and nothing before it, then everything before it is
 * acknowledged: a retransmission starts at the first unacknowledged byte (RFC 6298 §5.4). The acknowledgements may
 * have been missed, because pure ACKs are not queued, and nothing is while the daemon is down or overloaded.
 */
export const PRESUMED_AFTER = 2;

/** `unknown`: the segment starts with bytes of an unfinished announcement, or with bytes ahead of a hole. */
export type DropCause = StreamDropCause | 'unknown';

export type SegmentVerdict = { readonly kind: 'drop'; readonly cause: DropCause } | Forwarding;

/** Returns conntrack's name for the direction of a half. */
export const directionOf = (half: number): 'original' | 'reply' => ((half & 1) === 0 ? 'original' : 'reply');

/** Why an announcement cannot be rewritten. */
export type RewriteObstacle = Extract<RewriteRefusal, 'announcement-passed' | 'too-many-rewrites'>;

/** A direction in which something is rewritten or was dropped. */
interface EditedHalf {
  readonly edits: StreamEdits;
  /** Keyed by the sequence number of an edit's first byte: the expectation behind an edit that was not forwarded yet. */
  readonly promised: Map<number, PromisedExpectation>;
  /** Transmissions of the earliest dropped segment since the last forwarded one, its sequence number, and when it last came. */
  withheld: number;
  withheldAt: number;
  withheldWhen: number;
}

/** The kernel's sequence adjustments of both directions, if an earlier process left any. */
export interface Adjustments {
  readonly sequenceAdjustOriginal?: SequenceAdjustment | undefined;
  readonly sequenceAdjustReply?: SequenceAdjustment | undefined;
}

export class NatStreams {
  /** Expectations whose announcements are forwarded unchanged, until `takeWithdrawn`. */
  #withdrawn: PromisedExpectation[] = [];
  readonly #halves = new Map<number, EditedHalf>();
  /** The sender's sequence number up to which bytes of a half were forwarded; `#hasPassed` is 1 if any were. */
  readonly #passedTo: Uint32Array;
  readonly #hasPassed: Uint8Array;

  /** @param halves  two for each flow */
  constructor(halves: number) {
    this.#passedTo = new Uint32Array(halves);
    this.#hasPassed = new Uint8Array(halves);
  }

  /** Starts a NAT flow: its announcements may have to be rewritten. */
  follow(flow: number, { sequenceAdjustOriginal, sequenceAdjustReply }: Adjustments): void {
    this.#inherit(flow * 2, sequenceAdjustOriginal);
    this.#inherit(flow * 2 + 1, sequenceAdjustReply);
  }

  /** Forgets a flow that has ended. */
  forget(flow: number): void {
    for (const half of [flow * 2, flow * 2 + 1]) {
      this.#halves.delete(half);
      this.#hasPassed[half] = 0;
    }
  }

  /** Withdraws every expectation of the flow whose announcement was not forwarded yet. */
  giveUp(flow: number): void {
    for (const half of [flow * 2, flow * 2 + 1]) {
      const state = this.#halves.get(half);
      if (state !== undefined) this.#withdraw(state);
    }
  }

  /** Returns the expectations whose announcements are forwarded unchanged, since the last call. */
  takeWithdrawn(): readonly PromisedExpectation[] {
    const withdrawn = this.#withdrawn;
    if (withdrawn.length > 0) this.#withdrawn = [];
    return withdrawn;
  }

  /** Records an acknowledgement by the receiver of `half`. Returns the sender's own sequence number for it. */
  acknowledge(half: number, acknowledgment: number): number {
    const state = this.#halves.get(half);
    if (state === undefined) return acknowledgment;
    const senders = state.edits.acknowledged(acknowledgment);
    state.edits.acknowledge(senders);
    return senders;
  }

  /** Whether the segment at `sequence` proves that everything before it is acknowledged, see `PRESUMED_AFTER`. */
  presumes(half: number, sequence: number, now: number): boolean {
    const state = this.#halves.get(half);
    if (state === undefined || state.withheld < PRESUMED_AFTER || state.withheldAt !== sequence) return false;
    if (Math.abs(now - state.withheldWhen) < SENT_AGAIN_AFTER) return false;
    state.edits.acknowledge(sequence);
    return true;
  }

  /** Returns the sequence adjustment that the kernel applies to `half`. */
  adjustment(half: number): SequenceAdjustment | undefined {
    return this.#halves.get(half)?.edits.adjustment;
  }

  /** Returns the reason why bytes that have been read cannot be edited, or `undefined` if they can. */
  obstacle(half: number, edit: StreamEdit): RewriteObstacle | undefined {
    if (this.#hasPassed[half] === 1 && sequenceBefore(edit.start, this.#passedTo[half] ?? 0)) {
      return 'announcement-passed';
    }
    const edits = this.#halves.get(half)?.edits;
    if (edits === undefined) return undefined;
    // An earlier process rewrote it: the adjustment in force already counts it.
    const { position, offsetBefore, offsetAfter } = edits.adjustment;
    if (offsetBefore !== offsetAfter && !sequenceBefore(position, edit.start)) return 'announcement-passed';
    return edits.full ? 'too-many-rewrites' : undefined;
  }

  /** Plans an edit without an obstacle, whose expectation is in force. */
  plan(half: number, edit: StreamEdit, promised: PromisedExpectation): void {
    const state = this.#halves.get(half) ?? this.#edit(half, edit.start);
    state.edits.add(edit);
    state.promised.set(edit.start, promised);
  }

  /**
   * Returns the verdict on the segment of `length` bytes at the sender's number `sequence`; `undefined`: accept it
   * unchanged.
   *
   * @param knownTo  the sequence number up to which the bytes have been read
   * @param room     bytes of payload that fit on the path to the receiver
   * @param now      seconds
   */
  judge(
    half: number,
    sequence: number,
    length: number,
    knownTo: number,
    room: number,
    now: number,
  ): SegmentVerdict | undefined {
    const end = sequenceAdd(sequence, length);
    const known = sequenceDistance(sequence, sequenceEarlier(end, this.#mayPassTo(half, knownTo)));
    const state = this.#halves.get(half);
    if (state === undefined && known === length) {
      this.#notePassed(half, end);
      return undefined;
    }
    const edited = state ?? this.#edit(half, sequence);
    const verdict = known > 0 ? edited.edits.judge(sequence, known, room) : UNKNOWN;
    if (verdict.kind === 'forward') return verdict;
    countWithheld(edited, sequence, now);
    return edited.withheld > MAX_WITHHELD ? this.#passAsItIs(edited, sequence, length, room) : verdict;
  }

  /** Records that the segment is forwarded as `judge` said, with its adjustment in force. */
  commit(half: number, passing: Forwarding): void {
    this.#notePassed(half, passing.to);
    const state = this.#halves.get(half);
    if (state === undefined) return;
    state.edits.commit(passing);
    for (const { start } of passing.edits) state.promised.delete(start);
    state.withheld = 0;
  }

  /** Stops waiting for the rest. Bytes that were forwarded rewritten are rewritten again. */
  #passAsItIs(state: EditedHalf, sequence: number, length: number, room: number): SegmentVerdict {
    state.edits.abandon();
    this.#withdraw(state);
    const verdict = state.edits.judge(sequence, length, room);
    if (verdict.kind === 'forward') return verdict;
    const to = sequenceAdd(sequence, length);
    return { kind: 'forward', from: sequence, to, sequence, edits: [], adjustment: undefined };
  }

  /** A retransmission of forwarded bytes is always forwarded. */
  #mayPassTo(half: number, knownTo: number): number {
    return this.#hasPassed[half] === 1 ? sequenceLater(knownTo, this.#passedTo[half] ?? 0) : knownTo;
  }

  #notePassed(half: number, to: number): void {
    this.#passedTo[half] = this.#hasPassed[half] === 1 ? sequenceLater(this.#passedTo[half] ?? 0, to) : to;
    this.#hasPassed[half] = 1;
  }

  #inherit(half: number, adjustment: SequenceAdjustment | undefined): void {
    if (adjustment !== undefined) this.#edit(half, adjustment.position, adjustment);
  }

  #edit(half: number, sequence: number, adjustment?: SequenceAdjustment): EditedHalf {
    const edits = new StreamEdits(sequence, adjustment);
    const promised = new Map<number, PromisedExpectation>();
    const state = { edits, promised, withheld: 0, withheldAt: sequence, withheldWhen: 0 };
    this.#halves.set(half, state);
    return state;
  }

  #withdraw({ promised }: EditedHalf): void {
    this.#withdrawn.push(...promised.values());
    promised.clear();
  }
}

const UNKNOWN: SegmentVerdict = Object.freeze({ kind: 'drop', cause: 'unknown' });

/** Counts a transmission of the first dropped segment. Segments behind it are dropped too, and not counted. */
function countWithheld(state: EditedHalf, sequence: number, now: number): void {
  if (state.withheld > 0 && sequenceBefore(state.withheldAt, sequence)) return;
  if (state.withheldAt !== sequence) state.withheld = 0;
  state.withheldAt = sequence;
  // A clock that was set back counts one transmission too many, once.
  if (state.withheld > 0 && Math.abs(now - state.withheldWhen) < SENT_AGAIN_AFTER) return;
  state.withheldWhen = now;
  state.withheld++;
}
