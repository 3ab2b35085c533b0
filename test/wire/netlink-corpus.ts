/**
 * Entries shared by several codec tests, and functions that write and read a payload.
 *
 * @module
 */
import fc from 'fast-check';
import type { ConntrackEntry } from '../../src/wire/conntrack.js';
import type { Expectation } from '../../src/wire/expectation.js';
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { MESSAGE_HEADER_LENGTH } from '../../src/wire/netlink.js';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import { addressFamily, beginRequest, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import type { SequenceAdjustment } from '../../src/wire/seqadj.js';
import type { Tuple } from '../../src/wire/tuple.js';

export function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

export const tupleOf = (
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): Tuple => ({
  source: address(source),
  destination: address(destination),
  sourcePort,
  destinationPort,
});

/** A netfilter message written by `write`, with the offsets of its payload and end. */
export interface WrittenPayload {
  readonly bytes: Buffer;
  readonly payloadAt: number;
  readonly end: number;
}

export function writePayload(write: (writer: NetlinkWriter) => void): WrittenPayload {
  const writer = new NetlinkWriter(16);
  beginRequest(writer, SUBSYSTEMS.conntrack, 0, 0, 1, addressFamily(4));
  write(writer);
  const bytes = Buffer.from(writer.written);
  return { bytes, payloadAt: MESSAGE_HEADER_LENGTH, end: bytes.length };
}

const port = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const addressOf = (length: number): fc.Arbitrary<IpAddress> =>
  fc.uint8Array({ minLength: length, maxLength: length });
/** Names that the kernel allows: up to 15 characters and a NUL. */
const name = fc.stringMatching(/^[a-z0-9.-]{1,15}$/);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const anyTupleOf = (length: number): fc.Arbitrary<Tuple> =>
  fc.record({
    source: addressOf(length),
    destination: addressOf(length),
    sourcePort: port,
    destinationPort: port,
  });

export const anyTuple: fc.Arbitrary<Tuple> = fc.oneof(anyTupleOf(4), anyTupleOf(16));

export const anySequenceAdjustment: fc.Arbitrary<SequenceAdjustment> = fc.record({
  position: uint32,
  offsetBefore: int32,
  offsetAfter: int32,
});

export const anyConntrackEntry: fc.Arbitrary<ConntrackEntry> = fc.record({
  protocol: fc.integer({ min: 0, max: 255 }),
  original: anyTuple,
  reply: anyTuple,
  status: uint32,
  timeout: uint32,
  mark: uint32,
  zone: port,
  id: uint32,
  helper: optional(name),
  master: optional(anyTuple),
  sequenceAdjustOriginal: optional(anySequenceAdjustment),
  sequenceAdjustReply: optional(anySequenceAdjustment),
});

const anyExpectationOf = (length: number): fc.Arbitrary<Expectation> =>
  fc.record({
    master: anyTupleOf(length),
    tuple: anyTupleOf(length),
    sourceMask: addressOf(length),
    sourcePortMask: port,
    timeout: uint32,
    id: uint32,
    zone: port,
    flags: uint32,
    class: uint32,
    helper: optional(name),
    fn: optional(name),
    nat: optional(fc.record({ direction: fc.constantFrom<0 | 1>(0, 1), tuple: anyTupleOf(length) })),
  });

export const anyExpectation: fc.Arbitrary<Expectation> = fc.oneof(anyExpectationOf(4), anyExpectationOf(16));
