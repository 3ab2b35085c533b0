/**
 * Frames: link layer, IP, TCP, checksums, and rewriting a segment, which must give a valid one.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { rewriteSegment } from '../../src/helper/nat/segment-rewrite.js';
import { sequenceAdd } from '../../src/tcp/sequence.js';
import type { Forwarding } from '../../src/helper/nat/stream-edits.js';
import { ipv4ChecksumValid, tcpChecksumValid } from '../../src/wire/checksum.js';
import { IP_PROTOCOL_TCP, IpView } from '../../src/wire/ip.js';
import { findIpPacket, LINK_TYPES } from '../../src/capture/link-layer.js';
import { tcpFault, tcpHeaderLength, tcpSequence } from '../../src/wire/tcp.js';
import { fixtureFrames } from './fixture-captures.js';
import { readAside } from './surroundings.js';
import { words, type Target } from './target.js';

const KNOWN_LINK_TYPES = Object.values(LINK_TYPES);
const MAX_PACKET = 65_535;

/** An input is the index of its link type, and the frame. */
export const packetTarget = (): Target => ({
  name: 'packet',
  corpus: fixtureFrames().map(({ linkType, bytes }) =>
    Buffer.concat([Buffer.of(KNOWN_LINK_TYPES.findIndex((known) => known === linkType)), bytes]),
  ),
  words: words(
    '\x08\x00',
    '\x86\xdd',
    '\x81\x00\x00\x01',
    '\x88\xa8\x00\x01',
    '\x88\x64',
    '\x00\x21',
    '\xff\x03',
    '\x45',
    '\x60',
  ),
  maxLength: 2000,
  run(input) {
    const linkType = KNOWN_LINK_TYPES[(input[0] ?? 0) % (KNOWN_LINK_TYPES.length + 1)] ?? 0xffff;
    readAside(input.subarray(1), (bytes, start, end) => readFrame(linkType, bytes, start, end));
    // As a queue delivers it, without a link layer.
    readAside(input.subarray(1), readPacket);
  },
});

function readFrame(linkType: number, bytes: Buffer, start: number, end: number): unknown {
  const at = findIpPacket(linkType, bytes, start, end);
  if (typeof at !== 'number') return at;
  assert.ok(at >= start && at <= end);
  return readPacket(bytes, at, end);
}

function readPacket(bytes: Buffer, start: number, end: number): unknown {
  const ip = new IpView();
  const fault = ip.read(bytes, start, end);
  if (fault !== undefined) return fault;
  assert.ok(ip.headerAt === start && start < ip.sourceAt && ip.sourceAt < ip.destinationAt);
  assert.ok(ip.destinationAt < ip.payloadAt && ip.payloadAt <= ip.end && ip.end <= end);
  if (ip.fragment || ip.protocol !== IP_PROTOCOL_TCP) return fields(ip);
  const segmentFault = tcpFault(bytes, ip.payloadAt, ip.end);
  if (segmentFault !== undefined) return segmentFault;
  const headerLength = tcpHeaderLength(bytes, ip.payloadAt);
  assert.ok(headerLength >= 20 && ip.payloadAt + headerLength <= ip.end);
  const sound = [ip.family === 6 || ipv4ChecksumValid(bytes, start), tcpChecksumValid(bytes, ip)];
  rewrite(bytes, ip);
  return { ...fields(ip), headerLength, sound };
}

/** The fields of the packet according to the view. */
const fields = ({
  family,
  protocol,
  fragment,
  cut,
  sourceAt,
  destinationAt,
  payloadAt,
  end,
}: IpView): object => ({
  ...{ family, protocol, fragment, cut },
  ...{ sourceAt, destinationAt, payloadAt, end },
});

/** A copy with other bytes in its middle. */
function rewrite(bytes: Buffer, ip: IpView): void {
  const payloadAt = ip.payloadAt + tcpHeaderLength(bytes, ip.payloadAt);
  const length = ip.end - payloadAt;
  if (length < 3) return;
  const sequence = tcpSequence(bytes, ip.payloadAt);
  const edit = {
    start: sequenceAdd(sequence, 1),
    end: sequenceAdd(sequence, 2),
    replacement: Buffer.from('edited'),
  };
  const to = sequenceAdd(sequence, length - 1);
  const passing: Forwarding = {
    kind: 'forward',
    from: sequence,
    to,
    sequence,
    edits: [edit],
    adjustment: undefined,
  };
  const into = Buffer.alloc(MAX_PACKET);
  const written = rewriteSegment(bytes, ip, passing, into);
  if (written === undefined) return;
  const view = new IpView();
  assert.equal(view.read(into, 0, written), undefined);
  assert.equal(view.end, written);
  assert.equal(tcpFault(into, view.payloadAt, view.end), undefined);
  assert.ok(tcpChecksumValid(into, view) && (view.family === 6 || ipv4ChecksumValid(into, 0)));
  const text = into.subarray(view.payloadAt + tcpHeaderLength(into, view.payloadAt), written);
  const wanted = [
    bytes.subarray(payloadAt, payloadAt + 1),
    edit.replacement,
    bytes.subarray(payloadAt + 2, ip.end - 1),
  ];
  assert.deepEqual(text, Buffer.concat(wanted));
}
