/**
 * Checks whether bytes are an IP packet with a whole TCP header: the first check of every packet reader.
 *
 * @module
 */
import { IP_PROTOCOL_TCP, type IpView } from './ip.js';
import { tcpFault } from './tcp.js';

/**
 * Reads the packet `[start, end)` into `ip`. Returns false if it is not a readable TCP segment or is a
 * fragment.
 */
export function readTcpPacket(ip: IpView, bytes: Buffer, start: number, end: number): boolean {
  if (ip.read(bytes, start, end) !== undefined) return false;
  if (ip.fragment || ip.protocol !== IP_PROTOCOL_TCP) return false;
  return tcpFault(bytes, ip.payloadAt, ip.end) === undefined;
}
