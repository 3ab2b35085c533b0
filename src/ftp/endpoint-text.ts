/**
 * The inverse of the four grammars: the text that stands for an endpoint in an announcement, for a rewrite. It
 * takes the place of the bytes `[from, to)` of an `Endpoint`, or of these and the words before them.
 *
 * @module
 */
import { formatIpAddress, ipFamily, type IpAddress } from '../wire/ip-address.js';
import type { AnnouncementKind } from './announcement.js';

/** `address` is of IPv4 for PORT and 227, and not used for 229. */
export function endpointText(kind: AnnouncementKind, address: IpAddress, port: number): Buffer {
  return Buffer.from(textOf(kind, address, port), 'latin1');
}

/**
 * `words` and `endpoint` in `length` bytes: the words lose their last letters, or get blanks behind them. The
 * punctuation between the two stays. Answers `undefined` where the words have not so many letters.
 */
export function endpointWithWords(words: string, endpoint: Buffer, length: number): Buffer | undefined {
  const punctuation = /[^A-Za-z]*$/.exec(words)?.[0] ?? '';
  const letters = words.length - punctuation.length;
  const room = length - punctuation.length - endpoint.length;
  if (room < 0) return undefined;
  const fitted = words.slice(0, Math.min(letters, room)).padEnd(room);
  return Buffer.concat([Buffer.from(fitted + punctuation, 'latin1'), endpoint]);
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
