/**
 * The inverse of the four grammars: the text that stands for an endpoint in an announcement, for a rewrite. It
 * takes the place of the bytes `[from, to)` of an `Endpoint`.
 *
 * @module
 */
import { formatIpAddress, ipFamily, type IpAddress } from '../wire/ip-address.js';
import type { AnnouncementKind } from './announcement.js';

/** `address` is of IPv4 for PORT and 227, and not used for 229. */
export function endpointText(kind: AnnouncementKind, address: IpAddress, port: number): Buffer {
  return Buffer.from(textOf(kind, address, port), 'latin1');
}

function textOf(kind: AnnouncementKind, address: IpAddress, port: number): string {
  switch (kind) {
    case 'PORT':
    case '227':
      return [...address, port >>> 8, port & 0xff].join(',');
    case 'EPRT':
      return `|${ipFamily(address) === 4 ? 1 : 2}|${formatIpAddress(address)}|${port}|`;
    case '229':
      return `|||${port}|`;
  }
}
