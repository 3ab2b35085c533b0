/**
 * Connection tracking entries in ctnetlink format (linux/netfilter/nfnetlink_conntrack.h `CTA_*`). There is
 * one reader and one writer: an entry read from the kernel can be written, and reads back the same.
 *
 * @module
 */
import type { Parsed } from '../errors.js';
import { findAttribute, type AttributeReader } from './netlink-attribute.js';
import type { NetlinkFault } from './netlink-fault.js';
import type { NetlinkWriter } from './netlink-writer.js';
import { NFGENMSG_LENGTH, readAttributes } from './nfnetlink.js';
import { readSequenceAdjustment, writeSequenceAdjustment, type SequenceAdjustment } from './seqadj.js';
import { peekTcpDestinationPort, readTuple, writeTuple, type DecodedTuple } from './tuple-codec.js';
import type { Tuple } from './tuple.js';

/** `enum ctattr_type`. */
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_HELP = 5;
const CTA_TIMEOUT = 7;
const CTA_MARK = 8;
const CTA_ID = 12;
const CTA_TUPLE_MASTER = 14;
const CTA_SEQ_ADJ_ORIG = 15;
const CTA_SEQ_ADJ_REPLY = 16;
const CTA_ZONE = 18;
const CTA_MARK_MASK = 21;
/** `enum ctattr_help`. */
const CTA_HELP_NAME = 1;

/** IPS_* bits of `ConntrackEntry.status` (linux/netfilter/nf_conntrack_common.h). */
export const CONNTRACK_STATUS = {
  /** An expectation matched this connection. */
  expected: 1 << 0,
  seenReply: 1 << 1,
  assured: 1 << 2,
  confirmed: 1 << 3,
  sourceNat: 1 << 4,
  destinationNat: 1 << 5,
  /** A sequence adjustment is active. Set by the kernel, and only if the entry has a seqadj extension. */
  sequenceAdjust: 1 << 6,
} as const;

/** The fields of a tracked connection that this project uses. */
export interface ConntrackEntry {
  /** IPPROTO_*. The ports of `original` and `reply` are 0 if the protocol has no ports. */
  readonly protocol: number;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** Bits of `CONNTRACK_STATUS`. */
  readonly status: number;
  /** Seconds until the entry expires; in a destroy event, the seconds it had left. */
  readonly timeout: number;
  readonly mark: number;
  readonly zone: number;
  /** Distinguishes this entry from a later one with the same tuple. */
  readonly id: number;
  /** Name of the attached helper, such as `sane`. */
  readonly helper: string | undefined;
  /** Original tuple of the master connection that expected this one. */
  readonly master: Tuple | undefined;
  readonly sequenceAdjustOriginal: SequenceAdjustment | undefined;
  readonly sequenceAdjustReply: SequenceAdjustment | undefined;
}

/**
 * The fields of a request. `original` alone identifies the entry. It may also hold the reply tuple, because
 * the kernel keeps both tuples in one table.
 */
export interface ConntrackFields extends Partial<ConntrackEntry> {
  readonly original: Tuple;
  /** The bits of `mark` to change; all bits if absent. */
  readonly markMask?: number;
}

/** Writes the attributes present in `fields`. The caller has already begun the message. */
export function writeConntrack(writer: NetlinkWriter, fields: ConntrackFields): void {
  writeTuple(writer, CTA_TUPLE_ORIG, fields.original, fields.protocol);
  if (fields.reply !== undefined) writeTuple(writer, CTA_TUPLE_REPLY, fields.reply, fields.protocol);
  if (fields.zone !== undefined && fields.zone !== 0) writer.uint16(CTA_ZONE, fields.zone);
  writeNumber(writer, CTA_STATUS, fields.status);
  writeNumber(writer, CTA_TIMEOUT, fields.timeout);
  writeNumber(writer, CTA_MARK, fields.mark);
  writeNumber(writer, CTA_MARK_MASK, fields.markMask);
  writeNumber(writer, CTA_ID, fields.id);
  if (fields.helper !== undefined) {
    const nest = writer.openNest(CTA_HELP);
    writer.text(CTA_HELP_NAME, fields.helper);
    writer.closeNest(nest);
  }
  if (fields.master !== undefined) writeTuple(writer, CTA_TUPLE_MASTER, fields.master, fields.protocol);
  if (fields.sequenceAdjustOriginal !== undefined) {
    writeSequenceAdjustment(writer, CTA_SEQ_ADJ_ORIG, fields.sequenceAdjustOriginal);
  }
  if (fields.sequenceAdjustReply !== undefined) {
    writeSequenceAdjustment(writer, CTA_SEQ_ADJ_REPLY, fields.sequenceAdjustReply);
  }
}

function writeNumber(writer: NetlinkWriter, type: number, value: number | undefined): void {
  if (value !== undefined) writer.uint32(type, value);
}

/** Reads the payload of a conntrack message: `nfgenmsg`, then attributes. Unknown attributes are skipped. */
export function readConntrack(
  bytes: Buffer,
  payloadAt: number,
  end: number,
): Parsed<ConntrackEntry, NetlinkFault> {
  const attributes = readAttributes(bytes, payloadAt, end);
  const seen = new SeenConntrack();
  while (attributes.next()) seen.take(attributes);
  const entry = seen.entry();
  if (entry === undefined) attributes.fail('attribute-missing', payloadAt);
  if (entry === undefined || attributes.fault !== undefined) {
    return { ok: false, fault: attributes.fault ?? 'attribute-missing', at: attributes.faultAt };
  }
  return { ok: true, value: entry };
}

/**
 * Returns the original destination port of a TCP connection, or -1 for any other protocol. Allocates
 * nothing, so a caller can skip irrelevant messages cheaply.
 */
export function peekConnectionPort(bytes: Buffer, payloadAt: number, end: number): number {
  const originalAt = findAttribute(bytes, payloadAt + NFGENMSG_LENGTH, end, CTA_TUPLE_ORIG);
  return originalAt === -1 ? -1 : peekTcpDestinationPort(bytes, originalAt);
}

/** Collects the attributes of one message. */
class SeenConntrack {
  #original: DecodedTuple | undefined;
  #reply: DecodedTuple | undefined;
  #status = 0;
  #timeout = 0;
  #mark = 0;
  #zone = 0;
  #id = 0;
  #helper: string | undefined;
  #master: Tuple | undefined;
  #adjustOriginal: SequenceAdjustment | undefined;
  #adjustReply: SequenceAdjustment | undefined;

  take(attributes: AttributeReader): void {
    switch (attributes.type) {
      case CTA_TUPLE_ORIG:
        this.#original = readTuple(attributes);
        break;
      case CTA_TUPLE_REPLY:
        this.#reply = readTuple(attributes);
        break;
      case CTA_STATUS:
        this.#status = attributes.uint32();
        break;
      case CTA_HELP:
        this.#helper = readHelperName(attributes.nested());
        break;
      case CTA_TIMEOUT:
        this.#timeout = attributes.uint32();
        break;
      case CTA_MARK:
        this.#mark = attributes.uint32();
        break;
      case CTA_ID:
        this.#id = attributes.uint32();
        break;
      case CTA_TUPLE_MASTER:
        this.#master = readTuple(attributes).tuple;
        break;
      case CTA_SEQ_ADJ_ORIG:
        this.#adjustOriginal = readSequenceAdjustment(attributes);
        break;
      case CTA_SEQ_ADJ_REPLY:
        this.#adjustReply = readSequenceAdjustment(attributes);
        break;
      case CTA_ZONE:
        this.#zone = attributes.uint16();
        break;
    }
  }

  /** Returns the entry, or `undefined` if a tuple is missing. */
  entry(): ConntrackEntry | undefined {
    if (this.#original === undefined || this.#reply === undefined) return undefined;
    return {
      protocol: this.#original.protocol,
      original: this.#original.tuple,
      reply: this.#reply.tuple,
      status: this.#status,
      timeout: this.#timeout,
      mark: this.#mark,
      zone: this.#zone,
      id: this.#id,
      helper: this.#helper,
      master: this.#master,
      sequenceAdjustOriginal: this.#adjustOriginal,
      sequenceAdjustReply: this.#adjustReply,
    };
  }
}

function readHelperName(attributes: AttributeReader): string | undefined {
  let name: string | undefined;
  while (attributes.next()) {
    if (attributes.type === CTA_HELP_NAME) name = attributes.text();
  }
  return name;
}
