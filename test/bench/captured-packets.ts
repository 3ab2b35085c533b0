/**
 * The sessions among the fixtures, real servers with real clients, as the queue would give them: of control connections, the
 * packets that open them and those with bytes.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CaptureReader } from '../../src/capture/capture.js';
import { IpView } from '../../src/wire/ip.js';
import { findIpPacket } from '../../src/capture/link-layer.js';
import { readTcpPacket } from '../../src/wire/tcp-packet.js';
import {
  TCP_FLAGS,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSourcePort,
} from '../../src/wire/tcp.js';
import { SERVER_PORT } from './dialogue.js';

const SESSIONS = path.resolve(import.meta.dirname, '../fixtures/sessions');

export function capturedPackets(): Buffer[] {
  const files = readdirSync(SESSIONS).filter((name) => name.endsWith('.pcap'));
  return files.sort().flatMap((name) => packetsOf(readFileSync(path.join(SESSIONS, name))));
}

function packetsOf(capture: Buffer): Buffer[] {
  const ip = new IpView();
  return [...new CaptureReader().feed(capture)].flatMap((item) => {
    if (item.kind !== 'frame') return [];
    const start = findIpPacket(item.linkType, item.bytes, item.start, item.end);
    if (typeof start !== 'number' || !readTcpPacket(ip, item.bytes, start, item.end)) return [];
    return isQueued(item.bytes, ip) ? [Buffer.from(item.bytes.subarray(start, ip.end))] : [];
  });
}

function isQueued(bytes: Buffer, { payloadAt: at, end }: IpView): boolean {
  if (tcpSourcePort(bytes, at) !== SERVER_PORT && tcpDestinationPort(bytes, at) !== SERVER_PORT) return false;
  return (tcpFlags(bytes, at) & TCP_FLAGS.syn) !== 0 || at + tcpHeaderLength(bytes, at) < end;
}
