/**
 * The inverse of the four grammars: the text of an endpoint in an announcement, for a rewrite. It replaces
 * the bytes `[from, to)` of an `Endpoint`, or these and the words before them.
 *
 * @module
 */
import { formatIpAddress, ipFamily, type IpAddress } from '../wire/ip-address.js';
import type { AnnouncementKind } from './announcement.js';

/** `address` is an IPv4 address for PORT and 227, and unused for 229. */
export function endpointText(kind: AnnouncementKind, address: IpAddress, port: number): Buffer {
  return Buffer.from(textOf(kind, address, port), 'latin1');
}

/** Maximum punctuation between the words of a 227 and its endpoint: ` (`, ` =`, ` [` and the like. */
const MAX_PUNCTUATION = 8;
const LETTER = /[A-Za-z]/;
const LETTERS_AND_BLANKS = /^[A-Za-z ]+$/;

/**
 * Shortens the words before an endpoint by `growth` bytes, or lengthens them if negative. The words lose
 * their last letters, or get blanks appended; the punctuation before the endpoint stays. Returns the
 * replacement and how many of the last bytes it replaces. Returns `undefined` if the words have too few
 * letters: one more must remain, to separate the endpoint from the preceding text.
 */
export function refitWords(
  words: string,
  growth: number,
): { readonly replaced: number; readonly replacement: Buffer } | undefined {
  let letters = words.length;
  while (letters > 0 && !LETTER.test(words.charAt(letters - 1))) {
    letters--;
    if (words.length - letters > MAX_PUNCTUATION) return undefined;
  }
  const punctuation = words.slice(letters);
  const lost = Math.max(growth, 0);
  if (lost > 0 && (letters <= lost || !LETTERS_AND_BLANKS.test(words.slice(letters - lost - 1, letters)))) {
    return undefined;
  }
  const replacement = Buffer.from(punctuation.padStart(punctuation.length - growth + lost), 'latin1');
  return { replaced: lost + punctuation.length, replacement };
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
