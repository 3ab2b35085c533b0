/**
 * `CTA_SEQ_ADJ_ORIG` and `CTA_SEQ_ADJ_REPLY` (linux/netfilter/nfnetlink_conntrack.h `enum ctattr_seqadj`):
 * how far the kernel shifts the sequence numbers of one direction after a rewrite changed the payload
 * length.
 *
 * @module
 */
import type { AttributeReader } from './netlink-attribute.js';
import type { NetlinkWriter } from './netlink-writer.js';

const CTA_SEQADJ_CORRECTION_POS = 1;
const CTA_SEQADJ_OFFSET_BEFORE = 2;
const CTA_SEQADJ_OFFSET_AFTER = 3;

/**
 * The kernel adds `offsetAfter` to sequence numbers strictly after `position`, and `offsetBefore` to the
 * others. Offsets are signed and cumulative over the connection. `position` is a sequence number as the
 * sender used it.
 */
export interface SequenceAdjustment {
  readonly position: number;
  readonly offsetBefore: number;
  readonly offsetAfter: number;
}

/** Writes the nest `type`. The kernel requires all three numbers. */
export function writeSequenceAdjustment(
  writer: NetlinkWriter,
  type: number,
  adjustment: SequenceAdjustment,
): void {
  const nest = writer.openNest(type);
  writer.uint32(CTA_SEQADJ_CORRECTION_POS, adjustment.position);
  writer.int32(CTA_SEQADJ_OFFSET_BEFORE, adjustment.offsetBefore);
  writer.int32(CTA_SEQADJ_OFFSET_AFTER, adjustment.offsetAfter);
  writer.closeNest(nest);
}

/** Reads the nest at the current position of `attributes`. */
export function readSequenceAdjustment(attributes: AttributeReader): SequenceAdjustment {
  let position = 0;
  let offsetBefore = 0;
  let offsetAfter = 0;
  const nest = attributes.nested();
  while (nest.next()) {
    if (nest.type === CTA_SEQADJ_CORRECTION_POS) position = nest.uint32();
    else if (nest.type === CTA_SEQADJ_OFFSET_BEFORE) offsetBefore = nest.int32();
    else if (nest.type === CTA_SEQADJ_OFFSET_AFTER) offsetAfter = nest.int32();
  }
  return { position, offsetBefore, offsetAfter };
}
