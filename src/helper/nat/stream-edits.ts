/**
 * Edits of one direction of a stream: ranges of the sender's bytes that the receiver gets replaced, perhaps by more
 * or fewer bytes. An edit belongs to sequence numbers, not to a segment: every segment that carries the range, first
 * transmission or not, carries the same replacement.
 *
 * The kernel shifts the sequence numbers behind an edit (nf_conntrack_seqadj): it adds `offsetBefore` to numbers up to
 * `position` and `offsetAfter` to later ones, and subtracts them from the receiver's acknowledgements. It keeps one
 * position only. If that is wrong for a retransmitted segment, the segment's own number makes up the difference.
 *
 * A segment that carries a part of an edited range is forwarded with the whole replacement, because the sender has
 * transmitted the rest already. So a sender that never puts the range into one segment works too, and so does a sender
 * whose receiver acknowledged a part of the replacement.
 *
 * An edit has to wait if the kernel would otherwise take an acknowledgement for more bytes than were received. Then the
 * segment is cut before the edit, or dropped if it starts with the edit. Its sender retransmits the rest.
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
  /** The sender's sequence numbers of the first byte of the range and of the byte after its last. */
  readonly start: number;
  readonly end: number;
  readonly replacement: Uint8Array;
}

/** Why a segment cannot be forwarded now. */
export type StreamDropCause =
  /** The segment lies behind an edit that was not forwarded, so its place in the receiver's stream is open. */
  | 'behind-an-edit'
  /** An earlier edit is unacknowledged, and both together would make acknowledgements ambiguous. */
  | 'edit-unacknowledged'
  /** The kernel's one position cannot give the segment the number that it needs. */
  | 'number-out-of-reach';

/** Which bytes of a segment are forwarded, and how. */
export interface Forwarding {
  readonly kind: 'forward';
  /**
   * The sender's sequence numbers of the first forwarded byte and of the byte after the last: those of the segment, or
   * those of an edit that the segment carries a part of. The sender retransmits what follows `to`.
   */
  readonly from: number;
  readonly to: number;
  /** The sequence number to write into the segment; differs from `from` only to make up for the kernel's adjustment. */
  readonly sequence: number;
  /** Edits to apply, in order; all lie within these bytes. */
  readonly edits: readonly StreamEdit[];
  /** Must be in force in the kernel before the segment is forwarded; then call `commit`. */
  readonly adjustment: SequenceAdjustment | undefined;
}

/** The verdict on a segment. */
export type StreamVerdict = { readonly kind: 'drop'; readonly cause: StreamDropCause } | Forwarding;

/** Edits kept for retransmissions. A client that pipelines ten announcements has as many under way. */
export const MAX_EDITS = 16;

/** An acknowledged edit may be retransmitted within this many bytes: more than a control connection has in flight. */
const LONGEST_MEMORY = 2 ** 20;

interface KeptEdit extends StreamEdit {
  /** Bytes by which the replacement is longer than the range. */
  readonly growth: number;
  /** The edit was forwarded: the kernel's adjustment includes its growth. */
  passed: boolean;
}

export const NO_ADJUSTMENT: SequenceAdjustment = Object.freeze({
  position: 0,
  offsetBefore: 0,
  offsetAfter: 0,
});

export class StreamEdits {
  /** Ordered by sequence number. If there are too many, acknowledged edits are dropped first. */
  #edits: KeptEdit[] = [];
  /** Growth of the edits that were dropped: the offset of the bytes behind them. */
  #settledGrowth: number;
  #adjustment: SequenceAdjustment;
  /** The sender's sequence number up to which the receiver has acknowledged. */
  #acknowledged: number;

  /**
   * @param sequence    the sender's sequence number at which the stream starts here
   * @param adjustment  the kernel's adjustment, if an earlier process left one
   */
  constructor(sequence: number, adjustment: SequenceAdjustment = NO_ADJUSTMENT) {
    this.#acknowledged = sequence;
    this.#adjustment = adjustment;
    this.#settledGrowth = adjustment.offsetAfter;
  }

  /** The kernel's adjustment. */
  get adjustment(): SequenceAdjustment {
    return this.#adjustment;
  }

  /** Whether no further edit can be added, because too many are in flight. */
  get full(): boolean {
    this.#forgetSettled();
    return this.#edits.length === MAX_EDITS;
  }

  /** Adds an edit behind all others. Returns false, and adds nothing, if `full`. */
  add(edit: StreamEdit): boolean {
    if (this.full) return false;
    const growth = edit.replacement.length - sequenceDistance(edit.start, edit.end);
    this.#edits.push({ ...edit, growth, passed: false });
    return true;
  }

  /** Removes the edits that were not forwarded: their bytes are forwarded unchanged. Returns how many there were. */
  abandon(): number {
    const passed = this.#edits.filter((edit) => edit.passed);
    const abandoned = this.#edits.length - passed.length;
    this.#edits = passed;
    return abandoned;
  }

  /** Returns the sender's sequence number for an acknowledgement of the receiver, as the kernel computes it. */
  acknowledged(acknowledgment: number): number {
    const { position, offsetBefore, offsetAfter } = this.#adjustment;
    const before = sequenceAdd(acknowledgment, -offsetBefore);
    return sequenceBefore(position, before) ? sequenceAdd(acknowledgment, -offsetAfter) : before;
  }

  /** Records an acknowledgement, given as the sender's number (see `acknowledged`). */
  acknowledge(sequence: number): void {
    this.#acknowledged = sequenceLater(this.#acknowledged, sequence);
    for (let edit = this.#edits[0]; edit !== undefined && this.#isBygone(edit); edit = this.#edits[0]) {
      this.#forgetOldest(edit);
    }
  }

  /**
   * Returns the verdict on the segment of `length` bytes at the sender's number `sequence`.
   *
   * @param room  bytes that may be forwarded, edits applied; an edit at the start is forwarded whole in any case
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

  /** Records that the segment is forwarded: the receiver gets its edits, and `adjustment` is in force. */
  commit({ edits, adjustment }: Forwarding): void {
    if (adjustment !== undefined) this.#adjustment = adjustment;
    for (const edit of this.#edits) {
      if (edits.some(({ start }) => start === edit.start)) edit.passed = true;
    }
  }

  /** Returns by how much the receiver's numbers exceed the sender's at `sequence`, which lies in no edit. */
  #offset(sequence: number): number {
    let offset = this.#settledGrowth;
    for (const edit of this.#edits) {
      if (edit.passed && !sequenceBefore(sequence, edit.end)) offset += edit.growth;
    }
    return offset;
  }

  /**
   * Returns the number of the edit that has to wait, if one of the segment's `edits` has to. Only one shift may be
   * unacknowledged: with two, the kernel's one position would make acknowledgements from between them wrong by the
   * growth of one of them, and an acknowledgement that is too high loses bytes. Two shifts in one segment count as well,
   * because the segment may be retransmitted in pieces.
   */
  #stopWithin(edits: readonly KeptEdit[]): number | undefined {
    const underWay = this.#edits.some((edit) => edit.passed && shifts(edit) && this.#isUnacknowledged(edit));
    return edits.filter(willShift)[underWay ? 0 : 1]?.start;
  }

  /** Returns the adjustment that forwarding `edits` needs, or `undefined` if the one in force will do. */
  #adjustmentFor(edits: readonly KeptEdit[]): SequenceAdjustment | undefined {
    const edit = edits.find(willShift);
    if (edit === undefined) return undefined;
    const offsetBefore = this.#adjustment.offsetAfter;
    return { position: edit.start, offsetBefore, offsetAfter: offsetBefore + edit.growth };
  }

  #isUnacknowledged(edit: StreamEdit): boolean {
    return sequenceBefore(this.#acknowledged, edit.end);
  }

  /** Drops edits that no sender retransmits; one day their numbers would belong to other bytes. */
  #isBygone(edit: KeptEdit): boolean {
    return edit.passed && sequenceDistance(edit.end, this.#acknowledged) > LONGEST_MEMORY;
  }

  /** Drops acknowledged edits, oldest first, if there is no room. */
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

/** Whether the edit shifts the sequence numbers behind it. */
const shifts = ({ growth }: KeptEdit): boolean => growth !== 0;

/** Whether the edit will shift them once it is forwarded. */
const willShift = (edit: KeptEdit): boolean => shifts(edit) && !edit.passed;

/** Returns the end of the part of `[from, to)` that fits into `room` bytes, edits applied, each of them whole. */
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

/** Returns the number that the kernel, with `adjustment`, turns into `sequence` + `offset`. */
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
