/**
 * `h1,h2,h3,h4,p1,p2`: the argument of PORT (RFC 959 §4.1.2), also contained in the text of a 227 reply
 * (RFC 959 §4.2; RFC 1123 §4.1.2.6 warns that the parentheses may be missing). Numbers are decimal, one to
 * three digits each, separated by single commas.
 *
 * @module
 */
import { byteAt, COMMA, decimalValue, isDigit, POINT, skipBlanks, skipDigits } from './ascii.js';
import { endpointWithPort, malformed, type EndpointReading } from './endpoint.js';

const NUMBERS = 6;
/** Index of p1. */
const PORT_PLACE = 4;
const MAX_DIGITS = 3;
const MAX_OCTET = 255;

/** Length of both `PORT` and `227 `; the text to read follows. */
const KEYWORD_LENGTH = 4;

const NO_GROUP = -1;

/** PORT: blanks, the six numbers, blanks, and nothing else. */
export function readPortArgument(bytes: Buffer, start: number, end: number): EndpointReading {
  const from = skipBlanks(bytes, start + KEYWORD_LENGTH, end);
  const to = groupEnd(bytes, from, end);
  if (to === NO_GROUP) return malformed(from - start);
  const rest = skipBlanks(bytes, to, end);
  return rest === end ? readGroup(bytes, start, from, to) : malformed(rest - start);
}

/**
 * 227: exactly one separate group of six numbers in the text. Other digits do not matter. With two groups,
 * or none, the meaning is ambiguous.
 */
export function readPassiveReply(bytes: Buffer, start: number, end: number): EndpointReading {
  let reading: EndpointReading | undefined;
  let at = start + KEYWORD_LENGTH;
  while (at < end) {
    const runEnd = skipNumeric(bytes, at, end);
    if (runEnd > at) {
      const from = skipPunctuation(bytes, at, runEnd);
      const to = groupEnd(bytes, from, runEnd);
      if (to !== NO_GROUP && skipPunctuation(bytes, to, runEnd) === runEnd) {
        if (reading !== undefined) return malformed(from - start);
        reading = readGroup(bytes, start, from, to);
      }
    }
    at = runEnd + 1;
  }
  return reading ?? malformed(KEYWORD_LENGTH);
}

/** Returns the end of the six numbers that begin at `at`, or `NO_GROUP`. */
function groupEnd(bytes: Buffer, at: number, end: number): number {
  for (let number = 1; number <= NUMBERS; number += 1) {
    const digitsEnd = skipDigits(bytes, at, end);
    if (digitsEnd === at || digitsEnd - at > MAX_DIGITS) return NO_GROUP;
    if (number === NUMBERS) return digitsEnd;
    if (byteAt(bytes, digitsEnd, end) !== COMMA) return NO_GROUP;
    at = digitsEnd + 1;
  }
  return NO_GROUP;
}

/** Reads the group `[from, to)`. An octet above 255 is a fault and never carries into the next octet. */
function readGroup(bytes: Buffer, start: number, from: number, to: number): EndpointReading {
  const numbers: number[] = [];
  const offsets: number[] = [];
  let at = from;
  while (at < to) {
    const digitsEnd = skipDigits(bytes, at, to);
    numbers.push(decimalValue(bytes, at, digitsEnd));
    offsets.push(at - start);
    at = digitsEnd + 1;
  }
  const host = numbers.slice(0, PORT_PLACE);
  const [high = 0, low = 0] = numbers.slice(PORT_PLACE);
  const address = host.every(isOctet) ? Uint8Array.from(host) : undefined;
  const port = isOctet(high) && isOctet(low) ? high * 256 + low : undefined;
  if (address === undefined || port === undefined) {
    const tooLarge = offsets.find((_, place) => !isOctet(numbers[place] ?? 0)) ?? 0;
    return { ok: false, fault: 'octet-out-of-range', at: tooLarge, address, port };
  }
  return endpointWithPort(address, port, offsets[PORT_PLACE] ?? 0, from - start, to - start);
}

const isOctet = (value: number): boolean => value <= MAX_OCTET;

/** Numbers are read in runs of digits, commas and points, so that `10.1,2,3,4,5,6` is not a group. */
function skipNumeric(bytes: Buffer, at: number, end: number): number {
  while (isNumeric(byteAt(bytes, at, end))) at += 1;
  return at;
}

function skipPunctuation(bytes: Buffer, at: number, end: number): number {
  while (isPunctuation(byteAt(bytes, at, end))) at += 1;
  return at;
}

const isPunctuation = (byte: number): boolean => byte === COMMA || byte === POINT;

const isNumeric = (byte: number): boolean => isDigit(byte) || isPunctuation(byte);
