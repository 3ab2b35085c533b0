/**
 * Edits of one direction of a stream on its way: ranges of the sender's bytes that the receiver gets in other
 * words, perhaps of another length. An edit is bound to sequence numbers, not to a segment: whichever segment
 * carries the range, first or again, cut so or so, carries the same other words.
 *
 * The kernel shifts the numbers of what follows (nf_conntrack_seqadj): it adds `offsetBefore` to numbers up to
 * `position` and `offsetAfter` to those behind it, and takes them off the receiver's acknowledgements. It remembers
 * one position. Where that is not enough for a segment sent again, the difference is put into the segment's own number.
 *
 * A segment that has a part of an edited range carries the whole of the other words: they are known, and its sender has
 * sent the rest already. So a sender that never puts the range into one segment is served as well, and so is one whose
 * receiver acknowledged a part of the other words.
 *
 * What cannot pass yet is cut off the segment's end, or withheld where it is at its beginning: an edit that would make
 * the kernel take an acknowledgement for more than was received. Its sender will send it again.
 *
 * @module
 */
import type { SequenceAdjustment } from '../../wire/seqadj.js';
import {
  sequenceAdd,
  sequenceBefore,
  sequenceDistance,
  sequenceEarlier,
  sequenceLater,
} from '../../tcp/sequence.js';

export interface StreamEdit {
  /** The sender's numbers of the first byte of the range and of the byte after its last. */
  readonly start: number;
  readonly end: number;
  readonly replacement: Uint8Array;
}

/** Why a segment must not pass now. */
export type StreamDropCause =
  /** It lies behind an edit that has not passed, so that its place in the receiver's stream is not settled. */
  | 'behind-an-edit'
  /** An edit before it has not been acknowledged, and both together would confuse acknowledgements. */
  | 'edit-unacknowledged'
  /** The kernel's one position cannot give it the number it needs. */
  | 'number-out-of-reach';

/** What passes of a segment, and how. */
export interface Forwarding {
  readonly kind: 'forward';
  /**
   * The sender's numbers of the first byte that passes and of the byte after the last: the segment's own, or those of
   * an edit that it has a part of. What comes after `to` will be sent again.
   */
  readonly from: number;
  readonly to: number;
  /** The number to send it with; differs from `from` only where the kernel's adjustment has to be made up for. */
  readonly sequence: number;
  /** Edits to apply, in order; all within these bytes. */
  readonly edits: readonly StreamEdit[];
  /** To be in force in the kernel before the segment passes; then `commit` it. */
  readonly adjustment: SequenceAdjustment | undefined;
}

/** What is to be done with a segment. */
export type StreamVerdict = { readonly kind: 'drop'; readonly cause: StreamDropCause } | Forwarding;

/** Edits kept for segments that may be sent again; a session of ten pipelined announcements has as many under way. */
export const MAX_EDITS = 16;

/** Bytes behind an acknowledged edit within which it may be sent again: more than a control connection ever has under way. */
const LONGEST_MEMORY = 2 ** 20;

interface KeptEdit extends StreamEdit {
  /** Bytes that the receiver gets more than were sent. */
  readonly growth: number;
  /** It has passed: the kernel's adjustment includes its growth. */
  passed: boolean;
}

export const NO_ADJUSTMENT: SequenceAdjustment = Object.freeze({
  position: 0,
  offsetBefore: 0,
  offsetAfter: 0,
});

export class StreamEdits {
  /** Ordered by number; the acknowledged ones are the first to go when there are too many. */
  #edits: KeptEdit[] = [];
  /** Growth of the edits that are not kept any more: the offset of what follows them. */
  #settledGrowth: number;
  #adjustment: SequenceAdjustment;
  /** The sender's number up to which the receiver has acknowledged. */
  #acknowledged: number;

  /**
   * @param sequence    the sender's number from which on the stream is followed
   * @param adjustment  what the kernel has in force, where an earlier process left something
   */
  constructor(sequence: number, adjustment: SequenceAdjustment = NO_ADJUSTMENT) {
    this.#acknowledged = sequence;
    this.#adjustment = adjustment;
    this.#settledGrowth = adjustment.offsetAfter;
  }

  /** What the kernel has in force. */
  get adjustment(): SequenceAdjustment {
    return this.#adjustment;
  }

  /** Whether no other edit can be taken: too many are under way. */
  get full(): boolean {
    this.#forgetSettled();
    return this.#edits.length === MAX_EDITS;
  }

  /** Takes an edit behind all others. Answers false, and takes nothing, where it is `full`. */
  add(edit: StreamEdit): boolean {
    if (this.full) return false;
    const growth = edit.replacement.length - sequenceDistance(edit.start, edit.end);
    this.#edits.push({ ...edit, growth, passed: false });
    return true;
  }

  /** Takes back the edits that have not passed: their bytes go on as they were sent. Answers how many there were. */
  abandon(): number {
    const passed = this.#edits.filter((edit) => edit.passed);
    const abandoned = this.#edits.length - passed.length;
    this.#edits = passed;
    return abandoned;
  }

  /** The sender's number that an acknowledgement of the receiver stands for, as the kernel reckons it. */
  acknowledged(acknowledgment: number): number {
    const { position, offsetBefore, offsetAfter } = this.#adjustment;
    const before = sequenceAdd(acknowledgment, -offsetBefore);
    return sequenceBefore(position, before) ? sequenceAdd(acknowledgment, -offsetAfter) : before;
  }

  /** Notes an acknowledgement, given as the sender's number (see `acknowledged`). */
  acknowledge(sequence: number): void {
    this.#acknowledged = sequenceLater(this.#acknowledged, sequence);
    for (let edit = this.#edits[0]; edit !== undefined && this.#isBygone(edit); edit = this.#edits[0]) {
      this.#forgetOldest(edit);
    }
  }

  /**
   * What is to be done with the segment of `length` bytes that begins with the sender's number `sequence`.
   *
   * @param room  bytes that may pass, edits applied; an edit at the beginning passes whole all the same
   */
  judge(sequence: number, length: number, room = Infinity): StreamVerdict {
    const end = sequenceAdd(sequence, length);
    const covered = this.#edits.filter(
      (edit) => sequenceBefore(sequence, edit.end) && sequenceBefore(edit.start, end),
    );
    const from = sequenceEarlier(sequence, covered[0]?.start ?? sequence);
    if (this.#edits.some((edit) => willShift(edit) && !sequenceBefore(from, edit.end))) {
      return withhold('behind-an-edit');
    }
    const widened = sequenceLater(end, covered.at(-1)?.end ?? end);
    const to = fitted(from, this.#stopWithin(covered) ?? widened, covered, room);
    if (to === from) return withhold('edit-unacknowledged');
    const edits = covered.filter((edit) => sequenceBefore(edit.start, to));
    const adjustment = this.#adjustmentFor(edits);
    const number = compensated(from, this.#offset(from), adjustment ?? this.#adjustment);
    if (number === undefined) return withhold('number-out-of-reach');
    return { kind: 'forward', from, to, sequence: number, edits, adjustment };
  }

  /** The segment passes: its edits are what the receiver has, and `adjustment` is in force. */
  commit({ edits, adjustment }: Forwarding): void {
    if (adjustment !== undefined) this.#adjustment = adjustment;
    for (const edit of this.#edits) {
      if (edits.some(({ start }) => start === edit.start)) edit.passed = true;
    }
  }

  /** By how much the receiver's numbers are ahead of the sender's at `sequence`, which is in no edit. */
  #offset(sequence: number): number {
    let offset = this.#settledGrowth;
    for (const edit of this.#edits) {
      if (edit.passed && !sequenceBefore(sequence, edit.end)) offset += edit.growth;
    }
    return offset;
  }

  /**
   * The number of the edit that must wait, if one of `edits`, of one segment, must. One shift after the other: with two
   * unacknowledged ones, the kernel's one position would leave the acknowledgements from between them off by what one of
   * them added or took away; too high, they would lose bytes. That holds for two of one segment as well, because it
   * may be sent again in several.
   */
  #stopWithin(edits: readonly KeptEdit[]): number | undefined {
    const underWay = this.#edits.some((edit) => edit.passed && shifts(edit) && this.#isUnacknowledged(edit));
    return edits.filter(willShift)[underWay ? 0 : 1]?.start;
  }

  /** What is to be in force where `edits` pass; `undefined` where what is in force will do. */
  #adjustmentFor(edits: readonly KeptEdit[]): SequenceAdjustment | undefined {
    const edit = edits.find(willShift);
    if (edit === undefined) return undefined;
    const offsetBefore = this.#adjustment.offsetAfter;
    return { position: edit.start, offsetBefore, offsetAfter: offsetBefore + edit.growth };
  }

  #isUnacknowledged(edit: StreamEdit): boolean {
    return sequenceBefore(this.#acknowledged, edit.end);
  }

  /** Nobody sends it again; and some time its numbers would stand for other bytes. */
  #isBygone(edit: KeptEdit): boolean {
    return edit.passed && sequenceDistance(edit.end, this.#acknowledged) > LONGEST_MEMORY;
  }

  /** Drops acknowledged edits, oldest first, where there is no more room. */
  #forgetSettled(): void {
    while (this.#edits.length >= MAX_EDITS) {
      const [oldest] = this.#edits;
      if (oldest?.passed !== true || this.#isUnacknowledged(oldest)) return;
      this.#forgetOldest(oldest);
    }
  }

  #forgetOldest({ growth }: KeptEdit): void {
    this.#settledGrowth += growth;
    this.#edits.shift();
  }
}

const withhold = (cause: StreamDropCause): StreamVerdict => ({ kind: 'drop', cause });

/** Whether the edit shifts the numbers of what follows it. */
const shifts = ({ growth }: KeptEdit): boolean => growth !== 0;

/** Whether it will shift them once it passes. */
const willShift = (edit: KeptEdit): boolean => shifts(edit) && !edit.passed;

/** How far of `[from, to)` no more than `room` bytes pass, edits applied, each of them whole. */
function fitted(from: number, to: number, edits: readonly StreamEdit[], room: number): number {
  let at = from;
  let left = room;
  for (const { start, end, replacement } of edits) {
    const plain = sequenceDistance(at, start);
    if (!sequenceBefore(start, to) || plain > left) break;
    if (start !== from && plain + replacement.length > left) return start;
    left = Math.max(left - plain - replacement.length, 0);
    at = end;
  }
  return sequenceDistance(at, to) <= left ? to : sequenceAdd(at, left);
}

/** The number which the kernel, with `adjustment`, turns into `sequence` + `offset`. */
function compensated(sequence: number, offset: number, adjustment: SequenceAdjustment): number | undefined {
  const { position, offsetBefore, offsetAfter } = adjustment;
  const wanted = sequenceAdd(sequence, offset);
  const behind = sequenceAdd(wanted, -offsetAfter);
  const before = sequenceAdd(wanted, -offsetBefore);
  if (sequenceBefore(position, sequence)) {
    if (sequenceBefore(position, behind)) return behind;
    return sequenceBefore(position, before) ? undefined : before;
  }
  if (!sequenceBefore(position, before)) return before;
  return sequenceBefore(position, behind) ? behind : undefined;
}
