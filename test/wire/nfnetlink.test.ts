import { describe, expect, it } from 'vitest';
import { MESSAGE_FLAGS, MessageReader } from '../../src/wire/netlink.js';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import {
  ADDRESS_FAMILIES,
  addressFamily,
  beginRequest,
  messageType,
  NFGENMSG_LENGTH,
  readAttributes,
  SUBSYSTEMS,
} from '../../src/wire/nfnetlink.js';

describe('netfilter messages', () => {
  it('combine subsystem and message in one type', () => {
    const type = messageType(SUBSYSTEMS.expectation, 1);
    expect(type).toBe(0x201);
  });

  it('begin with family and resource, request an acknowledgement, and continue with attributes', () => {
    const writer = new NetlinkWriter();
    beginRequest(writer, SUBSYSTEMS.queue, 2, MESSAGE_FLAGS.create, 99, ADDRESS_FAMILIES.ipv6, 0xfffe);
    writer.uint32(5, 1);
    const message = new MessageReader(writer.written, 0, writer.written.length);
    message.next();
    expect(message.type).toBe(0x302);
    expect(message.flags).toBe(MESSAGE_FLAGS.create | MESSAGE_FLAGS.request | MESSAGE_FLAGS.ack);
    expect(message.sequence).toBe(99);
    const header = message.bytes.toString('hex', message.payloadAt, message.payloadAt + NFGENMSG_LENGTH);
    expect(header).toBe('0a00fffe');
    const attributes = readAttributes(message.bytes, message.payloadAt, message.end);
    expect([attributes.next(), attributes.type, attributes.uint32()]).toEqual([true, 5, 1]);
  });

  it('number the families as the kernel does', () => {
    expect([addressFamily(4), addressFamily(6)]).toEqual([2, 10]);
  });

  it('are a fault if too short for their header', () => {
    const attributes = readAttributes(Buffer.alloc(3), 0, 3);
    expect(attributes.next()).toBe(false);
    expect(attributes.fault).toBe('message-body-truncated');
  });
});
