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
} from '../tcp/sequence.js';
import { StreamEdits, type Passing, type StreamEdit, type Withholding } from '../tcp/stream-edits.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import type { PromisedPinhole } from './effect.js';

/** Times in a row that a direction's segments are withheld before they pass as they are: some six seconds of retransmission. */
export const MAX_WITHHELD = 5;

/** `unknown`: it begins with bytes of an announcement that has not ended, or with bytes ahead of a hole. */
export type PassingCause = Withholding | 'unknown';

export type SegmentPassing = { readonly kind: 'withhold'; readonly cause: PassingCause } | Passing;

/** Why an announcement cannot be rewritten. */
export type RewriteObstacle = 'announcement-passed' | 'too-many-rewrites';

interface TranslatedHalf {
  readonly edits: StreamEdits;
  /** By the number of the edit's first byte: what was promised for the edits that have not passed. */
  readonly promised: Map<number, PromisedPinhole>;
  /** The sender's number up to which bytes have passed. */
  passedTo: number;
  /** How often the earliest segment that is withheld has come since the last that passed, and its number. */
  withheld: number;
  withheldAt: number;
}

/** What the kernel has in force for each direction of a connection, where an earlier process left something. */
export interface Adjustments {
  readonly sequenceAdjustOriginal?: SequenceAdjustment | undefined;
  readonly sequenceAdjustReply?: SequenceAdjustment | undefined;
}

export class Translations {
  /** What was promised and cannot be kept any more, until `takeWithdrawn`. */
  #withdrawn: PromisedPinhole[] = [];
  /** Of each translated flow. */
  readonly #followed = new Map<number, Adjustments>();
  readonly #halves = new Map<number, TranslatedHalf>();

  /** The flow is translated: what is sent on it may have to be rewritten. */
  follow(flow: number, adjustments: Adjustments): void {
    this.#followed.set(flow, adjustments);
  }

  forget(flow: number): void {
    if (!this.#followed.delete(flow)) return;
    for (const half of [flow * 2, flow * 2 + 1]) {
      const state = this.#halves.get(half);
      if (state === undefined) continue;
      this.#withdraw(state);
      this.#halves.delete(half);
    }
  }

  /** Pinholes whose announcements go on as they came after all, since they were last asked for. */
  takeWithdrawn(): readonly PromisedPinhole[] {
    const withdrawn = this.#withdrawn;
    if (withdrawn.length > 0) this.#withdrawn = [];
    return withdrawn;
  }

  /** Notes what the receiver of `half` has acknowledged; answers the sender's own number for it. */
  acknowledge(half: number, acknowledgment: number): number {
    const state = this.#state(half, acknowledgment, true);
    if (state === undefined) return acknowledgment;
    const senders = state.edits.acknowledged(acknowledgment);
    state.edits.acknowledge(senders);
    return senders;
  }

  /** What the kernel has in force for `half`. */
  adjustment(half: number): SequenceAdjustment | undefined {
    return this.#halves.get(half)?.edits.adjustment ?? this.#inherited(half);
  }

  /**
   * Plans an edit of bytes that have been read and not passed, for which a pinhole is open already. Answers what stands
   * in the way, if anything does.
   */
  plan(half: number, edit: StreamEdit, promised: PromisedPinhole): RewriteObstacle | undefined {
    const state = this.#state(half, edit.start);
    if (state === undefined || sequenceBefore(edit.start, state.passedTo)) return 'announcement-passed';
    // An earlier process has rewritten it: what the kernel has in force counts it already.
    const { position, offsetBefore, offsetAfter } = state.edits.adjustment;
    if (offsetBefore !== offsetAfter && !sequenceBefore(position, edit.start)) return 'announcement-passed';
    if (!state.edits.add(edit)) return 'too-many-rewrites';
    state.promised.set(edit.start, promised);
    return undefined;
  }

  /**
   * How the segment of `length` bytes from the sender's number `sequence` on passes.
   *
   * @param knownTo  up to which number it is known what the bytes are
   * @param room     bytes of payload that the receiver's path takes
   */
  pass(half: number, sequence: number, length: number, knownTo: number, room: number): SegmentPassing {
    const end = sequenceAdd(sequence, length);
    const state = this.#state(half, sequence);
    if (state === undefined) {
      return { kind: 'pass', from: sequence, to: end, sequence, edits: [], adjustment: undefined };
    }
    // What has passed may pass again: nothing of it can be rewritten any more.
    const knownOrPassed = sequenceEarlier(end, sequenceLater(knownTo, state.passedTo));
    const known = sequenceDistance(sequence, knownOrPassed);
    if (known <= 0 && length > 0) return this.#withhold(state, sequence, length);
    const treatment = state.edits.treat(sequence, known, room);
    if (treatment.kind === 'pass') return treatment;
    countWithheld(state, sequence);
    if (state.withheld <= MAX_WITHHELD || state.edits.abandon() === 0) return treatment;
    this.#withdraw(state);
    return state.edits.treat(sequence, known, room);
  }

  /** The segment goes on as `pass` said, its adjustment in force. */
  commit(half: number, passing: Passing): void {
    const state = this.#halves.get(half);
    if (state === undefined) return;
    state.edits.commit(passing);
    for (const { start } of passing.edits) state.promised.delete(start);
    state.withheld = 0;
    state.passedTo = sequenceLater(state.passedTo, passing.to);
  }

  /** What is known of a half of a translated flow, which begins with the first number that is seen of it. */
  #state(half: number, number: number, acknowledged = false): TranslatedHalf | undefined {
    const known = this.#halves.get(half);
    if (known !== undefined || !this.#followed.has(half >> 1)) return known;
    const inForce = this.#inherited(half);
    const sequence = acknowledged ? new StreamEdits(number, inForce).acknowledged(number) : number;
    const edits = new StreamEdits(sequence, inForce);
    const state = { edits, promised: new Map(), passedTo: sequence, withheld: 0, withheldAt: sequence };
    this.#halves.set(half, state);
    return state;
  }

  #withdraw({ promised }: TranslatedHalf): void {
    this.#withdrawn.push(...promised.values());
    promised.clear();
  }

  /** What an earlier process left in force for a half. */
  #inherited(half: number): SequenceAdjustment | undefined {
    const { sequenceAdjustOriginal, sequenceAdjustReply } = this.#followed.get(half >> 1) ?? {};
    return (half & 1) === 0 ? sequenceAdjustOriginal : sequenceAdjustReply;
  }

  #withhold(state: TranslatedHalf, sequence: number, length: number): SegmentPassing {
    countWithheld(state, sequence);
    if (state.withheld <= MAX_WITHHELD) return { kind: 'withhold', cause: 'unknown' };
    return state.edits.treat(sequence, length);
  }
}

/** Counts a segment that does not pass; those behind it do not pass either, and are not counted. */
function countWithheld(state: TranslatedHalf, sequence: number): void {
  if (state.withheld > 0 && sequenceBefore(state.withheldAt, sequence)) return;
  state.withheldAt = sequence;
  state.withheld++;
}
