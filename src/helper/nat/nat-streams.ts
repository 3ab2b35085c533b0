/**
 * What is rewritten on the connections that are translated, and how each of their segments passes because of it.
 * Only such connections have anything here; all others pass as they are.
 *
 * Bytes pass when it is known what they are: those that were read in order, up to where the endpoint of an
 * unfinished announcement may have begun. The rest is cut off the segment, and its sender sends it again. A sender that
 * sends nothing more with it is not kept waiting for ever: after `MAX_WITHHELD` times the bytes pass as they are, and what they
 * announce cannot be rewritten any more.
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

/** Times in a row that a direction's segments are withheld before they pass as they are: some six seconds of retransmission. */
export const MAX_WITHHELD = 5;

/**
 * Seconds between two comings of a segment that are two sendings: less than any timer of retransmission (200 ms in Linux,
 * a second in RFC 6298 §2.4), and more than what separates duplicates that the network makes.
 */
export const SENT_AGAIN_AFTER = 0.1;

/**
 * A sender that comes a third time with the same segment, and with nothing before it, has had everything before it
 * acknowledged: it sends again from its first unacknowledged byte on (RFC 6298 §5.4). Its acknowledgements may have passed
 * unseen: those without payload are not queued, and nothing is while a daemon is away or overloaded.
 */
export const PRESUMED_AFTER = 2;

/** `unknown`: it begins with bytes of an announcement that has not ended, or with bytes ahead of a hole. */
export type DropCause = StreamDropCause | 'unknown';

export type SegmentVerdict = { readonly kind: 'drop'; readonly cause: DropCause } | Forwarding;

/** What conntrack calls the direction of a half. */
export const directionOf = (half: number): 'original' | 'reply' => ((half & 1) === 0 ? 'original' : 'reply');

/** Why an announcement cannot be rewritten. */
export type RewriteObstacle = 'announcement-passed' | 'too-many-rewrites';

/** A direction in which something is rewritten, or withheld. */
interface EditedHalf {
  readonly edits: StreamEdits;
  /** By the number of the edit's first byte: what was promised for the edits that have not passed. */
  readonly promised: Map<number, PromisedExpectation>;
  /** How often the earliest segment that is withheld was sent since the last that passed, its number, and when last. */
  withheld: number;
  withheldAt: number;
  withheldWhen: number;
}

/** What the kernel has in force for each direction of a connection, where an earlier process left something. */
export interface Adjustments {
  readonly sequenceAdjustOriginal?: SequenceAdjustment | undefined;
  readonly sequenceAdjustReply?: SequenceAdjustment | undefined;
}

export class NatStreams {
  /** What was promised and cannot be kept any more, until `takeWithdrawn`. */
  #withdrawn: PromisedExpectation[] = [];
  readonly #halves = new Map<number, EditedHalf>();
  /** The sender's number up to which bytes of a half have passed, and 1 where some have. */
  readonly #passedTo: Uint32Array;
  readonly #hasPassed: Uint8Array;

  /** @param halves  two for each flow */
  constructor(halves: number) {
    this.#passedTo = new Uint32Array(halves);
    this.#hasPassed = new Uint8Array(halves);
  }

  /** The flow is translated: what is sent on it may have to be rewritten. */
  follow(flow: number, { sequenceAdjustOriginal, sequenceAdjustReply }: Adjustments): void {
    this.#inherit(flow * 2, sequenceAdjustOriginal);
    this.#inherit(flow * 2 + 1, sequenceAdjustReply);
  }

  /** The flow has ended. */
  forget(flow: number): void {
    for (const half of [flow * 2, flow * 2 + 1]) {
      this.#halves.delete(half);
      this.#hasPassed[half] = 0;
    }
  }

  /** Nothing that was promised on the flow can be kept. */
  giveUp(flow: number): void {
    for (const half of [flow * 2, flow * 2 + 1]) {
      const state = this.#halves.get(half);
      if (state !== undefined) this.#withdraw(state);
    }
  }

  /** Pinholes whose announcements go on as they came after all, since they were last asked for. */
  takeWithdrawn(): readonly PromisedExpectation[] {
    const withdrawn = this.#withdrawn;
    if (withdrawn.length > 0) this.#withdrawn = [];
    return withdrawn;
  }

  /** Notes what the receiver of `half` has acknowledged; answers the sender's own number for it. */
  acknowledge(half: number, acknowledgment: number): number {
    const state = this.#halves.get(half);
    if (state === undefined) return acknowledgment;
    const senders = state.edits.acknowledged(acknowledgment);
    state.edits.acknowledge(senders);
    return senders;
  }

  /** Whether the segment that begins with `sequence` tells that all before it is acknowledged, see `PRESUMED_AFTER`. */
  presumes(half: number, sequence: number, now: number): boolean {
    const state = this.#halves.get(half);
    if (state === undefined || state.withheld < PRESUMED_AFTER || state.withheldAt !== sequence) return false;
    if (Math.abs(now - state.withheldWhen) < SENT_AGAIN_AFTER) return false;
    state.edits.acknowledge(sequence);
    return true;
  }

  /** What the kernel has in force for `half`. */
  adjustment(half: number): SequenceAdjustment | undefined {
    return this.#halves.get(half)?.edits.adjustment;
  }

  /** What stands in the way of an edit of bytes that have been read, if anything does. */
  obstacle(half: number, edit: StreamEdit): RewriteObstacle | undefined {
    if (this.#hasPassed[half] === 1 && sequenceBefore(edit.start, this.#passedTo[half] ?? 0)) {
      return 'announcement-passed';
    }
    const edits = this.#halves.get(half)?.edits;
    if (edits === undefined) return undefined;
    // An earlier process has rewritten it: what the kernel has in force counts it already.
    const { position, offsetBefore, offsetAfter } = edits.adjustment;
    if (offsetBefore !== offsetAfter && !sequenceBefore(position, edit.start)) return 'announcement-passed';
    return edits.full ? 'too-many-rewrites' : undefined;
  }

  /** Plans an edit that nothing stands in the way of, and for which a pinhole is open. */
  plan(half: number, edit: StreamEdit, promised: PromisedExpectation): void {
    const state = this.#halves.get(half) ?? this.#edit(half, edit.start);
    state.edits.add(edit);
    state.promised.set(edit.start, promised);
  }

  /**
   * How the segment of `length` bytes from the sender's number `sequence` on passes; `undefined`: as it came.
   *
   * @param knownTo  up to which number it is known what the bytes are
   * @param room     bytes of payload that the receiver's path takes
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

  /** The segment goes on as `pass` said, its adjustment in force. */
  commit(half: number, passing: Forwarding): void {
    this.#notePassed(half, passing.to);
    const state = this.#halves.get(half);
    if (state === undefined) return;
    state.edits.commit(passing);
    for (const { start } of passing.edits) state.promised.delete(start);
    state.withheld = 0;
  }

  /** Nothing more is waited for. What has passed in other words passes so again. */
  #passAsItIs(state: EditedHalf, sequence: number, length: number, room: number): SegmentVerdict {
    state.edits.abandon();
    this.#withdraw(state);
    const verdict = state.edits.judge(sequence, length, room);
    if (verdict.kind === 'forward') return verdict;
    const to = sequenceAdd(sequence, length);
    return { kind: 'forward', from: sequence, to, sequence, edits: [], adjustment: undefined };
  }

  /** What has passed may pass again, whatever it is. */
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

/** Counts a sending of a segment that does not pass; those behind it do not pass either, and are not counted. */
function countWithheld(state: EditedHalf, sequence: number, now: number): void {
  if (state.withheld > 0 && sequenceBefore(state.withheldAt, sequence)) return;
  if (state.withheldAt !== sequence) state.withheld = 0;
  state.withheldAt = sequence;
  // A clock that was set back counts a sending too many, once.
  if (state.withheld > 0 && Math.abs(now - state.withheldWhen) < SENT_AGAIN_AFTER) return;
  state.withheldWhen = now;
  state.withheld++;
}
