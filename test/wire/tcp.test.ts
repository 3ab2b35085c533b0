import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  TCP_FLAGS,
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFault,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
  tcpUrgentPointer,
  writeTcpFlags,
  writeTcpSequence,
  type TcpFault,
} from '../../src/wire/tcp.js';
import { tcpPacket } from './packets.js';

/** The SYN-ACK of a Linux server, with its options: maximum segment size, SACK, time stamps, window scale. */
const SYN_ACK = Buffer.from(
  '0015 bd18 3eecc92f a09aa7d1 a0 12 a9b0 1c2d 0000 0204 05b4 0402 080a 5c6d7e8f 0a1b2c3d 0103 0307'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

describe('tcp accessors', () => {
  it('read the fields of a segment', () => {
    expect(tcpFault(SYN_ACK, 0, SYN_ACK.length)).toBeUndefined();
    expect(tcpSourcePort(SYN_ACK, 0)).toBe(21);
    expect(tcpDestinationPort(SYN_ACK, 0)).toBe(48_408);
    expect(tcpSequence(SYN_ACK, 0)).toBe(0x3eecc92f);
    expect(tcpAcknowledgment(SYN_ACK, 0)).toBe(0xa09aa7d1);
    expect(tcpHeaderLength(SYN_ACK, 0)).toBe(40);
    expect(tcpFlags(SYN_ACK, 0)).toBe(TCP_FLAGS.syn | TCP_FLAGS.ack);
    expect(tcpUrgentPointer(SYN_ACK, 0)).toBe(0);
  });

  it('number the flag bits from FIN, the lowest', () => {
    const bits = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'].map((name, bit) => [name, 1 << bit]);
    expect(TCP_FLAGS).toEqual(Object.fromEntries(bits));
  });

  it('read back the fields of any segment at any offset', () => {
    const u16 = fc.integer({ min: 0, max: 0xffff });
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(
        fc.record({
          sourcePort: u16,
          destinationPort: u16,
          urgentPointer: u16,
          sequence: u32,
          acknowledgment: u32,
        }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 10 }),
        fc.string({ maxLength: 40, size: 'max' }),
        ({ sourcePort, destinationPort, ...fields }, flags, optionWords, payload) => {
          const bytes = tcpPacket({
            source: `10.1.0.2:${sourcePort}`,
            destination: `10.2.0.2:${destinationPort}`,
            tcpOptions: Buffer.alloc(4 * optionWords, 1),
            flags,
            payload,
            ...fields,
          });
          const at = 20;
          expect(tcpFault(bytes, at, bytes.length)).toBeUndefined();
          expect(tcpSourcePort(bytes, at)).toBe(sourcePort);
          expect(tcpDestinationPort(bytes, at)).toBe(destinationPort);
          expect(tcpSequence(bytes, at)).toBe(fields.sequence);
          expect(tcpAcknowledgment(bytes, at)).toBe(fields.acknowledgment);
          expect(tcpUrgentPointer(bytes, at)).toBe(fields.urgentPointer);
          expect(tcpFlags(bytes, at)).toBe(flags);
          const payloadAt = at + tcpHeaderLength(bytes, at);
          expect(bytes.toString('latin1', payloadAt)).toBe(Buffer.from(payload, 'latin1').toString('latin1'));
        },
      ),
    );
  });
});

describe('tcp writers', () => {
  it('change only the named field', () => {
    const bytes = Buffer.concat([Buffer.alloc(5, 0xff), SYN_ACK]);
    writeTcpSequence(bytes, 5, 0xfffffffe);
    expect(tcpSequence(bytes, 5)).toBe(0xfffffffe);
    writeTcpSequence(bytes, 5, tcpSequence(SYN_ACK, 0));
    writeTcpFlags(bytes, 5, TCP_FLAGS.fin | TCP_FLAGS.urg);
    expect(tcpFlags(bytes, 5)).toBe(TCP_FLAGS.fin | TCP_FLAGS.urg);
    writeTcpFlags(bytes, 5, tcpFlags(SYN_ACK, 0));
    expect(bytes).toEqual(Buffer.concat([Buffer.alloc(5, 0xff), SYN_ACK]));
  });
});

describe('tcpFault', () => {
  /** The segment with another data offset, in words. */
  function withDataOffset(words: number): Buffer {
    const bytes = Buffer.from(SYN_ACK);
    bytes.writeUInt8(words << 4, 12);
    return bytes;
  }

  it.each<[string, Buffer, TcpFault]>([
    ['no byte at all', Buffer.alloc(0), 'tcp-header-truncated'],
    ['19 bytes', SYN_ACK.subarray(0, 19), 'tcp-header-truncated'],
    ['a data offset of 0', withDataOffset(0), 'tcp-data-offset-too-small'],
    ['a data offset of 16 bytes', withDataOffset(4), 'tcp-data-offset-too-small'],
    ['a data offset past the end', withDataOffset(11), 'tcp-data-offset-past-end'],
    ['options that are cut', SYN_ACK.subarray(0, 39), 'tcp-data-offset-past-end'],
  ])('rejects %s', (_name, bytes, fault) => {
    expect(tcpFault(bytes, 0, bytes.length)).toBe(fault);
  });

  it('accepts the shortest header', () => {
    const bytes = withDataOffset(5).subarray(0, 20);
    expect(tcpFault(bytes, 0, 20)).toBeUndefined();
  });

  it('ignores bytes after the end', () => {
    const bytes = Buffer.concat([SYN_ACK, Buffer.alloc(40)]);
    expect(tcpFault(bytes, 0, 39)).toBe('tcp-data-offset-past-end');
    expect(tcpFault(bytes, 0, 19)).toBe('tcp-header-truncated');
  });
});
