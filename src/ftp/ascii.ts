/**
 * The bytes used in the control connection's grammars, and functions to walk over them. Ranges are `[at,
 * end)` in a borrowed buffer. No function reads at or past `end`.
 *
 * @module
 */
export const NUL = 0x00;
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const OPENING_PARENTHESIS = 0x28;
export const CLOSING_PARENTHESIS = 0x29;
export const COMMA = 0x2c;
export const HYPHEN = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
export const NINE = 0x39;

/** Result of `byteAt` past the end; equal to no byte. */
export const PAST_END = -1;

export const byteAt = (bytes: Buffer, at: number, end: number): number =>
  at < end ? (bytes[at] ?? PAST_END) : PAST_END;

export const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

export const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;

/** Returns the offset of the first byte at or after `at` that is neither space nor tab, or `end`. */
export function skipBlanks(bytes: Buffer, at: number, end: number): number {
  while (isBlank(byteAt(bytes, at, end))) at += 1;
  return at;
}

/** Returns the offset of the first byte at or after `at` that is not a digit, or `end`. */
export function skipDigits(bytes: Buffer, at: number, end: number): number {
  while (isDigit(byteAt(bytes, at, end))) at += 1;
  return at;
}

/** Returns the value of the decimal digits `[from, to)`. Exact up to 15 digits; the grammars allow five. */
export function decimalValue(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 10 + (bytes.readUInt8(at) - ZERO);
  return value;
}
