import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ipv4ChecksumValid, tcpChecksumValid } from '../../src/wire/checksum.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';
import { ipAddressAt, IpView } from '../../src/wire/ip.js';
import { findIpPacket, LINK_TYPES } from '../../src/capture/link-layer.js';
import {
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFault,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
} from '../../src/wire/tcp.js';
import { readFrames, type KeptFrame } from './capture-items.js';

/** Recorded by `scripts/record-captures.ts`, each with tshark's reading of it. */
const FIXTURES = fileURLToPath(new URL('../fixtures/captures/', import.meta.url));

const LINK_TYPES_OF: Readonly<Record<string, readonly number[]>> = {
  'ethernet.pcap': [LINK_TYPES.ethernet],
  'ethernet-cut.pcap': [LINK_TYPES.ethernet],
  'ethernet-nanoseconds.pcap': [LINK_TYPES.ethernet],
  'linux-sll.pcap': [LINK_TYPES.linuxSll],
  'linux-sll2.pcap': [LINK_TYPES.linuxSll2],
  'two-interfaces.pcapng': [LINK_TYPES.ethernet, LINK_TYPES.linuxSll],
};
const NAMES = Object.keys(LINK_TYPES_OF);

/** The fields compared: tshark's columns, with the addresses of both families in one. */
interface Reading {
  readonly number: number;
  readonly time: number;
  readonly capturedLength: number;
  readonly originalLength: number;
  readonly source: string;
  readonly destination: string;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  /** Payload length of the segment, captured or not. */
  readonly payloadLength: number;
}

const framesOf = (name: string): KeptFrame[] => readFrames(readFileSync(FIXTURES + name));

function viewOf({ linkType, bytes }: KeptFrame): IpView {
  const at = findIpPacket(linkType, bytes, 0, bytes.length);
  const ip = new IpView();
  expect(typeof at === 'number' ? ip.read(bytes, at, bytes.length) : at).toBeUndefined();
  expect(tcpFault(bytes, ip.payloadAt, ip.end)).toBeUndefined();
  return ip;
}

function readingOf(frame: KeptFrame): Reading {
  const { bytes, originalLength } = frame;
  const ip = viewOf(frame);
  const at = ip.payloadAt;
  const address = (addressAt: number): string => formatIpAddress(ipAddressAt(bytes, addressAt, ip.family));
  const missing = originalLength - bytes.length;
  return {
    number: frame.number,
    time: frame.time,
    capturedLength: bytes.length,
    originalLength,
    source: `${address(ip.sourceAt)} ${tcpSourcePort(bytes, at)}`,
    destination: `${address(ip.destinationAt)} ${tcpDestinationPort(bytes, at)}`,
    sequence: tcpSequence(bytes, at),
    acknowledgment: tcpAcknowledgment(bytes, at),
    flags: tcpFlags(bytes, at),
    payloadLength: ip.end - at - tcpHeaderLength(bytes, at) + missing,
  };
}

function tsharkReadings(name: string): Reading[] {
  const [header = '', ...lines] = readFileSync(`${FIXTURES}${name}.tsv`, 'utf8').trimEnd().split('\n');
  const names = header.split('\t');
  return lines.map((line) => {
    const columns = line.split('\t');
    const text = (field: string): string => columns[names.indexOf(field)] ?? '';
    return {
      number: Number(text('frame.number')),
      time: Number(text('frame.time_epoch')),
      capturedLength: Number(text('frame.cap_len')),
      originalLength: Number(text('frame.len')),
      source: `${text('ip.src')}${text('ipv6.src')} ${text('tcp.srcport')}`,
      destination: `${text('ip.dst')}${text('ipv6.dst')} ${text('tcp.dstport')}`,
      sequence: Number(text('tcp.seq_raw')),
      acknowledgment: Number(text('tcp.ack_raw')),
      flags: Number(text('tcp.flags')),
      payloadLength: Number(text('tcp.len')),
    };
  });
}

describe('captures recorded from a kernel', () => {
  it('are all tested', () => {
    const recorded = readdirSync(FIXTURES).filter((name) => /\.pcap(ng)?$/.test(name));
    expect(recorded.sort()).toEqual([...NAMES].sort());
  });

  it.each(NAMES)('are read the same as by tshark: %s', (name) => {
    const readings = framesOf(name).map(readingOf);
    expect(readings).toEqual(tsharkReadings(name));
    expect(new Set(readings.map(({ source }) => source.includes(':')))).toEqual(new Set([true, false]));
  });

  it.each(NAMES)('have the link types that the recorder was given: %s', (name) => {
    expect(new Set(framesOf(name).map((frame) => frame.linkType))).toEqual(new Set(LINK_TYPES_OF[name]));
  });

  it.each(NAMES.filter((name) => !name.includes('cut')))(
    'have checksums that we find correct: %s',
    (name) => {
      for (const frame of framesOf(name)) {
        const ip = viewOf(frame);
        expect(tcpChecksumValid(frame.bytes, ip)).toBe(true);
        if (ip.family === 4) expect(ipv4ChecksumValid(frame.bytes, ip.headerAt)).toBe(true);
        frame.bytes.writeUInt8(frame.bytes.readUInt8(ip.end - 1) ^ 1, ip.end - 1);
        expect(tcpChecksumValid(frame.bytes, ip)).toBe(false);
      }
    },
  );

  it('show which packets the snap length cut', () => {
    const frames = framesOf('ethernet-cut.pcap');
    const cut = frames.map((frame) => viewOf(frame).cut);
    expect(cut).toEqual(frames.map((frame) => frame.originalLength > frame.bytes.length));
    expect(new Set(cut)).toEqual(new Set([true, false]));
  });
});
