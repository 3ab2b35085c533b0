/**
 * Tells whether bytes are an IP packet with a whole TCP header: what every reader of packets asks first.
 *
 * @module
 */
import { IP_PROTOCOL_TCP, type IpView } from './ip.js';
import { tcpFault } from './tcp.js';

/** Has `ip` read the packet `[start, end)`; answers false where that is no readable TCP segment, or a fragment of one. */
export function readTcpPacket(ip: IpView, bytes: Buffer, start: number, end: number): boolean {
  if (ip.read(bytes, start, end) !== undefined) return false;
  if (ip.fragment || ip.protocol !== IP_PROTOCOL_TCP) return false;
  return tcpFault(bytes, ip.payloadAt, ip.end) === undefined;
}
