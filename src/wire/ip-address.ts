/**
 * IP addresses as bytes in network order: 4 for IPv4, 16 for IPv6. Text parsing is strict: dotted quads of
 * decimal octets, and RFC 4291 §2.2 forms without a zone. No host names, no octal, no hex quads.
 *
 * @module
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** The address bytes in network order; the length determines the family. */
export type IpAddress = Uint8Array;

export const IPV4_LENGTH = 4;
export const IPV6_LENGTH = 16;

/** 4 or 6. */
export const ipFamily = (address: IpAddress): 4 | 6 => (address.length === IPV4_LENGTH ? 4 : 6);

/** Parses an address of either family. Returns `undefined` if the text is not an address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (isIPv6(text) && !text.includes('%')) return parseIpv6(text);
  return undefined;
}

/** Returns `10.1.0.2:21`, or `[2001:db8::2]:21` for the text of an IPv6 address (RFC 5952 §6). */
export const formatEndpoint = (address: string, port: number): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** Formats the address as RFC 5952 requires. */
export function formatIpAddress(address: IpAddress): string {
  if (address.length === IPV4_LENGTH) return address.join('.');
  const groups: string[] = [];
  for (let at = 0; at < IPV6_LENGTH; at += 2) {
    groups.push((((address[at] ?? 0) << 8) | (address[at + 1] ?? 0)).toString(16));
  }
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

export function sameIpAddress(one: IpAddress, other: IpAddress): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/**
 * Returns the first `length` bytes (an even number) as an unreadable string, two bytes per character. Meant
 * as a map key; it costs much less than the formatted text.
 */
export function addressKey(address: IpAddress, length = address.length): string {
  let key = '';
  for (let at = 0; at < length; at += 2) {
    key += String.fromCharCode(((address[at] ?? 0) << 8) | (address[at + 1] ?? 0));
  }
  return key;
}

/** `text` has passed `isIPv6`, so it has at most one `::`, and a dotted quad only at the end. */
function parseIpv6(text: string): IpAddress {
  const [head = '', tail] = text.split('::');
  const before = ipv6Groups(head);
  const after = tail === undefined ? [] : ipv6Groups(tail);
  const address = new Uint8Array(IPV6_LENGTH);
  address.set(before, 0);
  address.set(after, IPV6_LENGTH - after.length);
  return address;
}

function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}
