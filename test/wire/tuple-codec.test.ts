import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeReader } from '../../src/wire/netlink-attribute.js';
import type { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import { readAttributes } from '../../src/wire/nfnetlink.js';
import { IP_PROTOCOL_TCP } from '../../src/wire/ip.js';
import { readTuple, writeTuple } from '../../src/wire/tuple-codec.js';
import { anyTuple, tupleOf, writePayload } from './netlink-corpus.js';

const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;

describe('a tuple', () => {
  it('reads back as written, in both families', () => {
    fc.assert(
      fc.property(anyTuple, fc.integer({ min: 0, max: 255 }), (tuple, protocol) => {
        const attributes = written((writer) => {
          writeTuple(writer, 1, tuple, protocol);
        });
        expect(readTuple(attributes)).toEqual({ tuple, protocol });
        expect(attributes.fault).toBeUndefined();
      }),
    );
  });

  it('is TCP by default', () => {
    const tuple = tupleOf('2001:db8::1', 1024, '2001:db8::2', 21);
    const attributes = written((writer) => {
      writeTuple(writer, 1, tuple);
    });
    expect(readTuple(attributes)).toEqual({ tuple, protocol: IP_PROTOCOL_TCP });
  });

  it('of a protocol without ports has ports 0', () => {
    const attributes = written((writer) => {
      const nest = writer.openNest(1);
      addresses(writer, [1, 4], [2, 4]);
      const transport = writer.openNest(CTA_TUPLE_PROTO);
      writer.uint8(1, 1);
      writer.uint16(4, 77);
      writer.closeNest(transport);
      writer.closeNest(nest);
    });
    const { tuple, protocol } = readTuple(attributes);
    expect([protocol, tuple.sourcePort, tuple.destinationPort]).toEqual([1, 0, 0]);
    expect(attributes.fault).toBeUndefined();
  });

  const FAULTS: { name: string; rows: [type: number, length: number][]; fault: string }[] = [
    { name: 'no addresses', rows: [], fault: 'attribute-missing' },
    { name: 'one address', rows: [[1, 4]], fault: 'attribute-missing' },
    { name: 'an IPv4 address of 5 bytes', rows: [[1, 5], [2, 4]], fault: 'attribute-wrong-size' }, // prettier-ignore
    { name: 'an IPv6 address of 4 bytes', rows: [[3, 4], [4, 16]], fault: 'attribute-wrong-size' }, // prettier-ignore
    { name: 'two families', rows: [[1, 4], [4, 16]], fault: 'address-families-differ' }, // prettier-ignore
  ];
  it.each(FAULTS)('with $name is a fault', ({ rows, fault }) => {
    const attributes = written((writer) => {
      const nest = writer.openNest(1);
      addresses(writer, ...rows);
      writer.closeNest(nest);
    });
    readTuple(attributes);
    expect(attributes.fault).toBe(fault);
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (random) => {
        const attributes = written((writer) => {
          writer.bytes(1, random);
        });
        readTuple(attributes);
      }),
    );
  });
});

function addresses(writer: NetlinkWriter, ...rows: [type: number, length: number][]): void {
  const nest = writer.openNest(CTA_TUPLE_IP);
  for (const [type, length] of rows) writer.bytes(type, new Uint8Array(length));
  writer.closeNest(nest);
}

/** Returns a reader at the first attribute written by `write`. */
function written(write: (writer: NetlinkWriter) => void): AttributeReader {
  const { bytes, payloadAt, end } = writePayload(write);
  const attributes = readAttributes(bytes, payloadAt, end);
  attributes.next();
  return attributes;
}
