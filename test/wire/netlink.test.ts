import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeHostUint16, writeHostUint32 } from '../../src/wire/host-order.js';
import { AttributeReader } from '../../src/wire/netlink-attribute.js';
import {
  alignNetlink,
  CONTROL_TYPES,
  MESSAGE_FLAGS,
  MESSAGE_HEADER,
  MESSAGE_HEADER_LENGTH,
  MessageReader,
  readAcknowledgement,
} from '../../src/wire/netlink.js';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';

describe('messages', () => {
  it('are read back in order, skipping padding', () => {
    const writer = new NetlinkWriter(16);
    writer.beginMessage(0x102, MESSAGE_FLAGS.request, 7);
    writer.text(1, 'ab');
    writer.beginMessage(0x201, MESSAGE_FLAGS.ack, 8);
    const reader = new MessageReader(writer.written, 0, writer.written.length);

    expect(reader.next()).toBe(true);
    expect([reader.type, reader.flags, reader.sequence, reader.portId]).toEqual([0x102, 1, 7, 0]);
    expect(reader.end - reader.payloadAt).toBe(8);
    expect(reader.next()).toBe(true);
    expect([reader.type, reader.flags, reader.sequence]).toEqual([0x201, 4, 8]);
    expect(reader.end - reader.payloadAt).toBe(0);
    expect(reader.next()).toBe(false);
    expect(reader.fault).toBeUndefined();
  });

  it('may omit the last padding', () => {
    const bytes = message(MESSAGE_HEADER_LENGTH + 1);
    const reader = new MessageReader(bytes, 0, MESSAGE_HEADER_LENGTH + 1);
    expect(reader.next()).toBe(true);
    expect(reader.next()).toBe(false);
    expect(reader.fault).toBeUndefined();
  });

  const FAULTS = [
    { name: 'a header cut short', bytes: Buffer.alloc(15), fault: 'message-header-truncated' },
    { name: 'a length of zero', bytes: message(0), fault: 'message-length-too-small' },
    { name: 'a length below the header', bytes: message(15), fault: 'message-length-too-small' },
    { name: 'a length past the end', bytes: message(21).subarray(0, 20), fault: 'message-length-past-end' },
  ];
  it.each(FAULTS)('end with a fault at $name', ({ bytes, fault }) => {
    const reader = new MessageReader(bytes, 0, bytes.length);
    expect(reader.next()).toBe(false);
    expect(reader.fault).toBe(fault);
    expect(reader.next()).toBe(false);
  });

  it('of random bytes never throw, never leave their range, and always end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (random, start) => {
        const bytes = Buffer.from(random);
        const reader = new MessageReader(bytes, Math.min(start, bytes.length), bytes.length);
        let before = reader.end;
        while (reader.next()) {
          expect(reader.at).toBeGreaterThanOrEqual(before);
          expect(reader.end).toBeLessThanOrEqual(bytes.length);
          readAcknowledgement(reader);
          before = reader.end;
        }
      }),
    );
  });
});

describe('attributes', () => {
  it('of every kind read back as written, including nests', () => {
    const writer = new NetlinkWriter(16);
    writer.beginMessage(1, 0, 1);
    writer.uint8(1, 0xfe);
    writer.uint16(2, 0xfedc);
    writer.uint32(3, 0xfedcba98);
    writer.int32(4, -5);
    writer.text(5, 'nat-follow-master');
    const outer = writer.openNest(6);
    const inner = writer.openNest(7);
    writer.bytes(8, Uint8Array.of(1, 2, 3));
    writer.closeNest(inner);
    writer.closeNest(outer);
    writer.uint8(9, 1);

    const reader = new AttributeReader(writer.written, MESSAGE_HEADER_LENGTH, writer.written.length);
    const next = (reading: AttributeReader): number => (reading.next() ? reading.type : -1);
    expect([next(reader), reader.uint8()]).toEqual([1, 0xfe]);
    expect([next(reader), reader.uint16()]).toEqual([2, 0xfedc]);
    expect([next(reader), reader.uint32()]).toEqual([3, 0xfedcba98]);
    expect([next(reader), reader.int32()]).toEqual([4, -5]);
    expect([next(reader), reader.text()]).toEqual([5, 'nat-follow-master']);
    expect(next(reader)).toBe(6);
    const outerReader = reader.nested();
    expect(next(outerReader)).toBe(7);
    const innerReader = outerReader.nested();
    expect([next(innerReader), innerReader.bytes(3)]).toEqual([8, Uint8Array.of(1, 2, 3)]);
    expect([next(innerReader), next(outerReader), next(reader), next(reader)]).toEqual([-1, -1, 9, -1]);
    expect(reader.fault).toBeUndefined();
  });

  const FAULTS = [
    { name: 'a header cut short', bytes: Buffer.alloc(3), fault: 'attribute-header-truncated' },
    { name: 'a length of zero', bytes: attribute(0), fault: 'attribute-length-too-small' },
    { name: 'a length past the end', bytes: attribute(9), fault: 'attribute-length-past-end' },
  ];
  it.each(FAULTS)('end with a fault at $name', ({ bytes, fault }) => {
    const reader = new AttributeReader(bytes, 0, bytes.length);
    expect(reader.next()).toBe(false);
    expect(reader.fault).toBe(fault);
  });

  it('keep the first fault, share it between nest and parent, and then read as zeros', () => {
    const writer = new NetlinkWriter();
    writer.beginMessage(1, 0, 1);
    const nest = writer.openNest(1);
    writer.uint16(2, 0xffff);
    writer.closeNest(nest);
    writer.uint32(3, 0xffff);

    const reader = new AttributeReader(writer.written, MESSAGE_HEADER_LENGTH, writer.written.length);
    reader.next();
    const inner = reader.nested();
    inner.next();
    expect(inner.uint32()).toBe(0);
    expect(reader.fault).toBe('attribute-wrong-size');
    expect(reader.faultAt).toBe(MESSAGE_HEADER_LENGTH + 8);
    reader.fail('attribute-missing');
    expect(reader.fault).toBe('attribute-wrong-size');
    expect([reader.next(), inner.next(), inner.uint16()]).toEqual([false, false, 0]);
    expect(inner.bytes(4)).toEqual(new Uint8Array(4));
  });

  it('have the same type with and without the flags for nests and byte order', () => {
    const bytes = attribute(8, 'sane');
    for (const flags of [0, 0x4000, 0x8000, 0xc000]) {
      writeHostUint16(bytes, 2, 5 | flags);
      const reader = new AttributeReader(bytes, 0, bytes.length);
      expect([reader.next(), reader.type]).toEqual([true, 5]);
    }
  });

  it('read a text up to its NUL, or to the end of the value if it has none', () => {
    const bytes = Buffer.concat([attribute(8, 'ab\0d'), attribute(8, 'sane'), Buffer.from('beyond')]);
    const reader = new AttributeReader(bytes, 0, 16);
    reader.next();
    expect(reader.text()).toBe('ab');
    reader.next();
    expect(reader.text()).toBe('sane');
  });
});

describe('the writer', () => {
  it('grows without losing content, and keeps no content after clear', () => {
    const small = new NetlinkWriter(16);
    const large = new NetlinkWriter(65536);
    for (const writer of [small, large]) {
      writer.beginMessage(1, 0, 1);
      writer.bytes(1, new Uint8Array(5000).fill(7));
      writer.clear();
      writer.beginMessage(2, 0, 2);
      const nest = writer.openNest(1);
      for (let count = 0; count < 1000; count += 1) writer.uint8(2, count & 0xff);
      writer.closeNest(nest);
    }
    expect(small.written.equals(large.written)).toBe(true);
    expect(small.written.length).toBe(MESSAGE_HEADER_LENGTH + 4 + 8000);
  });

  it('refuses an attribute too long for its length field', () => {
    const writer = new NetlinkWriter();
    writer.beginMessage(1, 0, 1);
    writer.bytes(1, new Uint8Array(0xffff - 4));
    expect(() => {
      writer.bytes(1, new Uint8Array(0xffff - 3));
    }).toThrow(RangeError);
  });
});

describe('acknowledgements', () => {
  const request = message(24).subarray(0, 24);
  const ROWS = [
    { name: 'success', errno: 0, flags: MESSAGE_FLAGS.capped, repeated: request.subarray(0, 16) },
    { name: 'a refusal that repeats the request', errno: 17, flags: 0, repeated: request },
    { name: 'a capped refusal', errno: 17, flags: MESSAGE_FLAGS.capped, repeated: request.subarray(0, 16) },
  ];
  it.each(ROWS)('of $name give the errno', ({ errno, flags, repeated }) => {
    expect(acknowledgement(errno, flags, repeated)).toEqual({ errno, explanation: undefined });
  });
  it.each(ROWS)('of $name give the explanation that follows', ({ errno, flags, repeated }) => {
    const explanation = attribute(10, 'no helper'.slice(0, 6));
    const extended = flags | MESSAGE_FLAGS.acknowledgementAttributes;
    expect(acknowledgement(errno, extended, repeated, explanation)).toEqual({ errno, explanation: 'no hel' });
  });

  it('are faults if truncated', () => {
    expect(acknowledgement(1, 0, Buffer.alloc(15))).toBe('message-body-truncated');
    const bytes = message(MESSAGE_HEADER_LENGTH + 3);
    expect(readAcknowledgement(first(bytes))).toBe('message-body-truncated');
  });

  it.each([40, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
    'that claim to repeat a request of %i absent bytes still give the errno',
    (claimed) => {
      const repeated = Buffer.from(request);
      writeHostUint32(repeated, 0, claimed);
      const flags = MESSAGE_FLAGS.acknowledgementAttributes;
      expect(acknowledgement(17, flags, repeated)).toEqual({ errno: 17, explanation: undefined });
    },
  );

  it('are also read from the end of a dump', () => {
    const bytes = message(MESSAGE_HEADER_LENGTH + 4, CONTROL_TYPES.done);
    writeHostUint32(bytes, MESSAGE_HEADER_LENGTH, -22 >>> 0);
    expect(readAcknowledgement(first(bytes))).toEqual({ errno: 22, explanation: undefined });
  });

  function acknowledgement(
    errno: number,
    flags: number,
    ...parts: Buffer[]
  ): ReturnType<typeof readAcknowledgement> {
    const body = Buffer.concat([Buffer.alloc(4), ...parts]);
    writeHostUint32(body, 0, -errno >>> 0);
    const head = message(MESSAGE_HEADER_LENGTH + body.length, CONTROL_TYPES.error, flags);
    return readAcknowledgement(first(Buffer.concat([head.subarray(0, MESSAGE_HEADER_LENGTH), body])));
  }
});

it.each([
  [0, 0],
  [1, 4],
  [4, 4],
  [5, 8],
])('%i bytes are padded to %i', (length, aligned) => {
  expect(alignNetlink(length)).toBe(aligned);
});

/** A message whose header claims `length`, followed by zeros. */
function message(length: number, type = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(Math.max(MESSAGE_HEADER_LENGTH, alignNetlink(length)));
  writeHostUint32(bytes, MESSAGE_HEADER.length, length);
  writeHostUint16(bytes, MESSAGE_HEADER.type, type);
  writeHostUint16(bytes, MESSAGE_HEADER.flags, flags);
  return bytes;
}

/** An attribute of type 1 whose header claims `length`, with up to four bytes of value. */
function attribute(length: number, value = ''): Buffer {
  const bytes = Buffer.alloc(8 + Math.max(0, alignNetlink(value.length) - 4));
  writeHostUint16(bytes, 0, length);
  writeHostUint16(bytes, 2, 1);
  bytes.write(value, 4, 'latin1');
  return bytes;
}

function first(bytes: Buffer): MessageReader {
  const reader = new MessageReader(bytes, 0, bytes.length);
  expect(reader.next()).toBe(true);
  return reader;
}
