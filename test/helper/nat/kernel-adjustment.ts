/**
 * How the kernel shifts numbers (net/netfilter/nf_conntrack_seqadj.c): one position of correction for each direction, an
 * offset on each side of it. `test/kernel/sequence-adjustment.test.ts` holds it against the kernel.
 *
 * @module
 */
import { sequenceAdd, sequenceBefore } from '../../../src/tcp/sequence.js';
import type { SequenceAdjustment } from '../../../src/wire/seqadj.js';

/** The number with which a segment of the adjusted direction goes on. */
export function forwarded(
  { position, offsetBefore, offsetAfter }: SequenceAdjustment,
  sequence: number,
): number {
  return sequenceAdd(sequence, sequenceBefore(position, sequence) ? offsetAfter : offsetBefore);
}

/** The number that the sender of the adjusted direction sees acknowledged; an edge of a SACK block alike. */
export function acknowledged(
  { position, offsetBefore, offsetAfter }: SequenceAdjustment,
  acknowledgment: number,
): number {
  const before = sequenceAdd(acknowledgment, -offsetBefore);
  return sequenceBefore(position, before) ? sequenceAdd(acknowledgment, -offsetAfter) : before;
}
