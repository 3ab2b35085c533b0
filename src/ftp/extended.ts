/**
 * The delimited forms of RFC 2428: `EPRT |1|132.235.1.2|6275|` and `229 … (|||6446|)`. The delimiter is any
 * printable ASCII character except a digit, and the same throughout.
 *
 * @module
 */
import { ipFamily, parseIpAddress } from '../wire/ip-address.js';
import {
  byteAt,
  CLOSING_PARENTHESIS,
  decimalValue,
  isDigit,
  OPENING_PARENTHESIS,
  skipBlanks,
  skipDigits,
} from './ascii.js';
import { endpointWithPort, malformed, type EndpointReading } from './endpoint.js';

/** Length of both `EPRT` and `229 `; the text to read follows. */
const KEYWORD_LENGTH = 4;

/** RFC 2428 §2 recommends `|`; ASCII 33 to 126 is allowed. */
const FIRST_DELIMITER = 33;
const LAST_DELIMITER = 126;

const MAX_PORT_DIGITS = 5;

/** `AF Number` of RFC 2428 §2, by address family. */
const NETWORK_PROTOCOLS = { 4: 0x31, 6: 0x32 } as const;

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`: the longest form of an address. */
const MAX_ADDRESS_LENGTH = 45;

const NO_DELIMITER = -1;

/** EPRT: blanks, `<d>protocol<d>address<d>port<d>`, blanks, and nothing else. */
export function readExtendedPortArgument(bytes: Buffer, start: number, end: number): EndpointReading {
  const from = skipBlanks(bytes, start + KEYWORD_LENGTH, end);
  const delimiter = delimiterAt(bytes, from, end);
  const protocol = byteAt(bytes, from + 1, end);
  if (delimiter === NO_DELIMITER || byteAt(bytes, from + 2, end) !== delimiter)
    return malformed(from - start);

  const addressAt = from + 3;
  const addressEnd = findDelimiter(bytes, addressAt, end, delimiter);
  if (addressEnd === NO_DELIMITER) return malformed(addressAt - start);
  const address = parseIpAddress(bytes.toString('latin1', addressAt, addressEnd));
  if (address === undefined) return malformed(addressAt - start);
  if (protocol !== NETWORK_PROTOCOLS[ipFamily(address)]) return malformed(from + 1 - start);

  const portAt = addressEnd + 1;
  const portEnd = portDigitsEnd(bytes, portAt, end, delimiter);
  if (portEnd === NO_DELIMITER) return malformed(portAt - start);
  const to = portEnd + 1;
  const rest = skipBlanks(bytes, to, end);
  if (rest !== end) return malformed(rest - start);
  const port = decimalValue(bytes, portAt, portEnd);
  return endpointWithPort(address, port, portAt - start, from - start, to - start);
}

/** 229: exactly one `(<d><d><d>port<d>)` in the text. The address is the server's own. */
export function readExtendedPassiveReply(bytes: Buffer, start: number, end: number): EndpointReading {
  let reading: EndpointReading | undefined;
  for (let at = start + KEYWORD_LENGTH; at < end; at += 1) {
    if (bytes.readUInt8(at) !== OPENING_PARENTHESIS) continue;
    const from = at + 1;
    const portEnd = passivePortEnd(bytes, from, end);
    if (portEnd === NO_DELIMITER) continue;
    if (reading !== undefined) return malformed(from - start);
    const portAt = from + 3;
    const to = portEnd + 1;
    const port = decimalValue(bytes, portAt, portEnd);
    reading = endpointWithPort(undefined, port, portAt - start, from - start, to - start);
    at = to;
  }
  return reading ?? malformed(KEYWORD_LENGTH);
}

/** Returns the end of the port's digits in `<d><d><d>port<d>)` at `at`, or `NO_DELIMITER`. */
function passivePortEnd(bytes: Buffer, at: number, end: number): number {
  const delimiter = delimiterAt(bytes, at, end);
  if (delimiter === NO_DELIMITER) return NO_DELIMITER;
  if (byteAt(bytes, at + 1, end) !== delimiter || byteAt(bytes, at + 2, end) !== delimiter)
    return NO_DELIMITER;
  const portEnd = portDigitsEnd(bytes, at + 3, end, delimiter);
  if (portEnd === NO_DELIMITER) return NO_DELIMITER;
  return byteAt(bytes, portEnd + 1, end) === CLOSING_PARENTHESIS ? portEnd : NO_DELIMITER;
}

function delimiterAt(bytes: Buffer, at: number, end: number): number {
  const byte = byteAt(bytes, at, end);
  return byte >= FIRST_DELIMITER && byte <= LAST_DELIMITER && !isDigit(byte) ? byte : NO_DELIMITER;
}

/** Returns the offset of the delimiter that ends the address at `at`, or `NO_DELIMITER`. */
function findDelimiter(bytes: Buffer, at: number, end: number, delimiter: number): number {
  const last = Math.min(end, at + MAX_ADDRESS_LENGTH + 1);
  for (let candidate = at; candidate < last; candidate += 1) {
    if (bytes.readUInt8(candidate) === delimiter) return candidate;
  }
  return NO_DELIMITER;
}

/** Returns the end of one to five digits followed by the delimiter, or `NO_DELIMITER`. */
function portDigitsEnd(bytes: Buffer, at: number, end: number, delimiter: number): number {
  const digitsEnd = skipDigits(bytes, at, end);
  const count = digitsEnd - at;
  if (count < 1 || count > MAX_PORT_DIGITS) return NO_DELIMITER;
  return byteAt(bytes, digitsEnd, end) === delimiter ? digitsEnd : NO_DELIMITER;
}
