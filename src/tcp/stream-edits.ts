/**
 * Edits of one direction of a stream on its way: ranges of the sender's bytes that the receiver gets in other
 * words, perhaps of another length. An edit is bound to sequence numbers, not to a segment: whichever segment
 * carries the range, first or again, cut so or so, carries the same other words.
 *
 * The kernel shifts the numbers of what follows (nf_conntrack_seqadj): it adds `offsetBefore` to numbers up to
 * `position` and `offsetAfter` to those behind it, and takes them off the receiver's acknowledgements. It remembers
 * one position. Where that is not enough for a segment sent again, the difference is put into the segment's own number.
 *
 * What cannot pass yet is cut off the segment's end, or withheld where it is at its beginning: a part of an edited
 * range, and an edit that would make the kernel take an acknowledgement for more than was received. Its sender will send
 * it again.
 *
 * @module
 */
import type { SequenceAdjustment } from '../wire/seqadj.js';
import { sequenceAdd, sequenceBefore, sequenceDistance, sequenceEarlier, sequenceLater } from './sequence.js';

export interface StreamEdit {
  /** The sender's numbers of the first byte of the range and of the byte after its last. */
  readonly start: number;
  readonly end: number;
  readonly replacement: Uint8Array;
}

/** Why a segment must not pass now. */
export type Withholding =
  /** It begins with a part of an edited range; the sender has to cut it differently. */
  | 'part-of-an-edit'
  /** It lies behind an edit that has not passed, so that its place in the receiver's stream is not settled. */
  | 'behind-an-edit'
  /** An edit before it has not been acknowledged, and both together would confuse acknowledgements. */
  | 'edit-unacknowledged'
  /** The kernel's one position cannot give it the number it needs. */
  | 'number-out-of-reach';

/** What is to be done with a segment. */
export type Treatment =
  | { readonly kind: 'withhold'; readonly cause: Withholding }
  | {
      readonly kind: 'pass';
      /** The number to send it with; differs from its own only where the kernel's adjustment has to be made up for. */
      readonly sequence: number;
      /** How many of the sender's bytes pass; the rest will be sent again. */
      readonly length: number;
      /** Edits to apply, in order; all within these bytes. */
      readonly edits: readonly StreamEdit[];
      /** To be in force in the kernel before the segment passes; then `commit` it. */
      readonly adjustment: SequenceAdjustment | undefined;
    };

/** Edits kept for segments that may be sent again; a session of ten pipelined announcements has as many under way. */
export const MAX_EDITS = 16;

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

  /** Edits whose segment has not passed yet. */
  get pending(): number {
    return this.#edits.filter(({ passed }) => !passed).length;
  }

  /** Takes an edit behind all others. Answers false, and takes nothing, where too many are under way. */
  add(edit: StreamEdit): boolean {
    this.#forgetSettled();
    if (this.#edits.length === MAX_EDITS) return false;
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
  }

  /** What is to be done with the segment of `length` bytes that begins with the sender's number `sequence`. */
  treat(sequence: number, length: number): Treatment {
    const edits: KeptEdit[] = [];
    let end = sequenceAdd(sequence, length);
    for (const edit of this.#edits) {
      if (!sequenceBefore(sequence, edit.end)) {
        if (!edit.passed && edit.growth !== 0) return withhold('behind-an-edit');
      } else if (sequenceBefore(edit.start, end)) {
        if (sequenceBefore(edit.start, sequence)) return withhold('part-of-an-edit');
        if (sequenceBefore(end, edit.end)) end = edit.start;
        else edits.push(edit);
      }
    }
    const { adjustment, stop } = this.#adjustmentFor(edits);
    if (stop !== undefined) end = sequenceEarlier(end, stop.start);
    const passing = sequenceDistance(sequence, end);
    if (passing === 0) return withhold(stop?.start === end ? 'edit-unacknowledged' : 'part-of-an-edit');
    const number = compensated(sequence, this.#offset(sequence), adjustment ?? this.#adjustment);
    if (number === undefined) return withhold('number-out-of-reach');
    const within = edits.filter((edit) => sequenceBefore(edit.start, end));
    return { kind: 'pass', sequence: number, length: passing, edits: within, adjustment };
  }

  /** The segment passes: its edits are what the receiver has, and `adjustment` is in force. */
  commit({ edits, adjustment }: Extract<Treatment, { kind: 'pass' }>): void {
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
   * The adjustment that `edits`, of one segment, want (`undefined` where the one in force will do), and the edit at
   * which they must stop.
   *
   * While an edit before them is unacknowledged, one of the two positions is not represented, and acknowledgements
   * from between them are off by the growth that is: too low, which does no harm, where the bytes became more; too high,
   * which would lose bytes, where they became fewer. Edits of one segment need only one position: it is acknowledged whole.
   */
  #adjustmentFor(edits: readonly KeptEdit[]): {
    adjustment: SequenceAdjustment | undefined;
    stop: KeptEdit | undefined;
  } {
    const underWay = this.#edits.filter(
      (edit) => edit.passed && edit.growth !== 0 && this.#isUnacknowledged(edit),
    );
    let adjustment: SequenceAdjustment | undefined;
    let moved = false;
    for (const edit of edits) {
      if (edit.passed || edit.growth === 0) continue;
      const { position, offsetBefore, offsetAfter } = adjustment ?? this.#adjustment;
      const mayMove =
        adjustment === undefined && underWay.every(({ growth }) => growth > 0 && edit.growth < 0);
      if (mayMove) {
        moved = true;
        adjustment = {
          position: edit.start,
          offsetBefore: offsetAfter,
          offsetAfter: offsetAfter + edit.growth,
        };
      } else if (moved) {
        adjustment = { position, offsetBefore, offsetAfter: offsetAfter + edit.growth };
      } else {
        return { adjustment, stop: edit };
      }
    }
    return { adjustment, stop: undefined };
  }

  #isUnacknowledged(edit: StreamEdit): boolean {
    return sequenceBefore(this.#acknowledged, edit.end);
  }

  /** Drops acknowledged edits, oldest first, where there is no more room. */
  #forgetSettled(): void {
    while (this.#edits.length >= MAX_EDITS) {
      const [oldest] = this.#edits;
      if (oldest?.passed !== true || this.#isUnacknowledged(oldest)) return;
      this.#settledGrowth += oldest.growth;
      this.#edits.shift();
    }
  }
}

const withhold = (cause: Withholding): Treatment => ({ kind: 'withhold', cause });

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
