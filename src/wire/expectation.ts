/**
 * Expectations in ctnetlink format (linux/netfilter/nfnetlink_conntrack.h `CTA_EXPECT_*`): which connection
 * may be opened because of a master connection. TCP only.
 *
 * @module
 */
import type { Parsed } from '../errors.js';
import type { IpAddress } from './ip-address.js';
import type { AttributeReader } from './netlink-attribute.js';
import type { NetlinkFault } from './netlink-fault.js';
import type { NetlinkWriter } from './netlink-writer.js';
import { readAttributes } from './nfnetlink.js';
import { readTuple, writeTuple, type DecodedTuple } from './tuple-codec.js';
import type { Tuple } from './tuple.js';

/** `enum ctattr_expect`. */
const CTA_EXPECT_MASTER = 1;
const CTA_EXPECT_TUPLE = 2;
const CTA_EXPECT_MASK = 3;
const CTA_EXPECT_TIMEOUT = 4;
const CTA_EXPECT_ID = 5;
const CTA_EXPECT_HELP_NAME = 6;
const CTA_EXPECT_ZONE = 7;
const CTA_EXPECT_FLAGS = 8;
const CTA_EXPECT_CLASS = 9;
const CTA_EXPECT_NAT = 10;
const CTA_EXPECT_FN = 11;
/** `enum ctattr_expect_nat`. */
const CTA_EXPECT_NAT_DIR = 1;
const CTA_EXPECT_NAT_TUPLE = 2;

/** Seconds that an unused expectation lives by the usual carrier helpers' own policy. */
export const POLICY_LIFETIME = 300;

/** The expectfn that applies the master's NAT to the data connection (net/netfilter/nf_nat_core.c). */
export const FOLLOW_MASTER = 'nat-follow-master';

/** NAT of an expected connection. */
export interface ExpectationNat {
  /**
   * The master's direction that is opposite to the expected connection: 0 after 227 and 229, 1 after PORT
   * and EPRT.
   */
  readonly direction: 0 | 1;
  /** The source port is the announced port before NAT. `FOLLOW_MASTER` ignores the other fields. */
  readonly tuple: Tuple;
}

/** A future connection that belongs to an existing one. */
export interface Expectation {
  /** The master's original tuple; requests may also use its reply tuple. */
  readonly master: Tuple;
  /** The expected connection. Source port 0 with mask 0 means any port. */
  readonly tuple: Tuple;
  /** The bits of the source address and port that must match. The destination must always match exactly. */
  readonly sourceMask: IpAddress;
  readonly sourcePortMask: number;
  /** Seconds left. The kernel accepts this field only when it updates an existing expectation. */
  readonly timeout: number;
  readonly id: number;
  /**
   * Conntrack zone of both the master and the expectation. The kernel reads this field but does not send
   * it: received expectations have 0.
   */
  readonly zone: number;
  /** NF_CT_EXPECT_* (linux/netfilter/nf_conntrack_common.h): permanent 1, inactive 2, userspace 4. */
  readonly flags: number;
  /** The helper's expectation policy that counts this expectation. */
  readonly class: number;
  /** The master's helper. Kernels of 2026 ignore this field in requests. */
  readonly helper: string | undefined;
  /** Name of the expectfn: `FOLLOW_MASTER` or none. */
  readonly fn: string | undefined;
  readonly nat: ExpectationNat | undefined;
}

/** What a request says: `tuple` alone names an expectation; to make one the kernel wants master and mask too. */
export interface ExpectationFields extends Partial<Expectation> {
  readonly tuple: Tuple;
}

/** Writes the attributes of `fields` that are there; the caller has begun the message. */
export function writeExpectation(writer: NetlinkWriter, fields: ExpectationFields): void {
  if (fields.master !== undefined) writeTuple(writer, CTA_EXPECT_MASTER, fields.master);
  writeTuple(writer, CTA_EXPECT_TUPLE, fields.tuple);
  if (fields.sourcePortMask !== undefined) {
    writeTuple(writer, CTA_EXPECT_MASK, maskTuple(fields.tuple, fields.sourcePortMask, fields.sourceMask));
  }
  if (fields.zone !== undefined && fields.zone !== 0) writer.uint16(CTA_EXPECT_ZONE, fields.zone);
  writeNumber(writer, CTA_EXPECT_TIMEOUT, fields.timeout);
  writeNumber(writer, CTA_EXPECT_ID, fields.id);
  writeNumber(writer, CTA_EXPECT_FLAGS, fields.flags);
  writeNumber(writer, CTA_EXPECT_CLASS, fields.class);
  if (fields.helper !== undefined) writer.text(CTA_EXPECT_HELP_NAME, fields.helper);
  if (fields.fn !== undefined) writer.text(CTA_EXPECT_FN, fields.fn);
  if (fields.nat !== undefined) {
    const nest = writer.openNest(CTA_EXPECT_NAT);
    writer.uint32(CTA_EXPECT_NAT_DIR, fields.nat.direction);
    writeTuple(writer, CTA_EXPECT_NAT_TUPLE, fields.nat.tuple);
    writer.closeNest(nest);
  }
}

function writeNumber(writer: NetlinkWriter, type: number, value: number | undefined): void {
  if (value !== undefined) writer.uint32(type, value);
}

/** The kernel uses only the source part of a mask but requires a complete one. */
function maskTuple(tuple: Tuple, sourcePort: number, source = fullMask(tuple.source)): Tuple {
  return { source, sourcePort, destination: fullMask(tuple.destination), destinationPort: 0xffff };
}

const fullMask = (address: IpAddress): IpAddress => new Uint8Array(address.length).fill(0xff);

/**
 * Reads the payload of an expectation message: `nfgenmsg`, then attributes. Unknown attributes are skipped.
 */
export function readExpectation(
  bytes: Buffer,
  payloadAt: number,
  end: number,
): Parsed<Expectation, NetlinkFault> {
  const attributes = readAttributes(bytes, payloadAt, end);
  const seen = new SeenExpectation();
  while (attributes.next()) seen.take(attributes);
  const expectation = seen.expectation();
  if (expectation === undefined) attributes.fail('attribute-missing', payloadAt);
  if (expectation === undefined || attributes.fault !== undefined) {
    return { ok: false, fault: attributes.fault ?? 'attribute-missing', at: attributes.faultAt };
  }
  return { ok: true, value: expectation };
}

/** Collects the attributes of one message. */
class SeenExpectation {
  #master: DecodedTuple | undefined;
  #tuple: DecodedTuple | undefined;
  #mask: DecodedTuple | undefined;
  #timeout = 0;
  #id = 0;
  #zone = 0;
  #flags = 0;
  #class = 0;
  #helper: string | undefined;
  #fn: string | undefined;
  #nat: ExpectationNat | undefined;

  take(attributes: AttributeReader): void {
    switch (attributes.type) {
      case CTA_EXPECT_MASTER:
        this.#master = readTuple(attributes);
        break;
      case CTA_EXPECT_TUPLE:
        this.#tuple = readTuple(attributes);
        break;
      case CTA_EXPECT_MASK:
        this.#mask = readTuple(attributes);
        break;
      case CTA_EXPECT_TIMEOUT:
        this.#timeout = attributes.uint32();
        break;
      case CTA_EXPECT_ID:
        this.#id = attributes.uint32();
        break;
      case CTA_EXPECT_HELP_NAME:
        this.#helper = attributes.text();
        break;
      case CTA_EXPECT_ZONE:
        this.#zone = attributes.uint16();
        break;
      case CTA_EXPECT_FLAGS:
        this.#flags = attributes.uint32();
        break;
      case CTA_EXPECT_CLASS:
        this.#class = attributes.uint32();
        break;
      case CTA_EXPECT_NAT:
        this.#nat = readNat(attributes.nested());
        break;
      case CTA_EXPECT_FN:
        this.#fn = attributes.text();
        break;
    }
  }

  /** Returns the expectation, or `undefined` if a tuple is missing. */
  expectation(): Expectation | undefined {
    if (this.#master === undefined || this.#tuple === undefined || this.#mask === undefined) return undefined;
    return {
      master: this.#master.tuple,
      tuple: this.#tuple.tuple,
      sourceMask: this.#mask.tuple.source,
      sourcePortMask: this.#mask.tuple.sourcePort,
      timeout: this.#timeout,
      id: this.#id,
      zone: this.#zone,
      flags: this.#flags,
      class: this.#class,
      helper: this.#helper,
      fn: this.#fn,
      nat: this.#nat,
    };
  }
}

function readNat(attributes: AttributeReader): ExpectationNat | undefined {
  let direction: 0 | 1 = 0;
  let tuple: Tuple | undefined;
  while (attributes.next()) {
    if (attributes.type === CTA_EXPECT_NAT_DIR) direction = attributes.uint32() === 0 ? 0 : 1;
    else if (attributes.type === CTA_EXPECT_NAT_TUPLE) tuple = readTuple(attributes).tuple;
  }
  if (tuple === undefined) attributes.fail('attribute-missing');
  return tuple === undefined ? undefined : { direction, tuple };
}
