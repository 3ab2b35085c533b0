/**
 * Passes over the bytes of a line that are nothing but text: LF, NUL and IAC are those at which the scanner has to look.
 *
 * @module
 */
import { LF } from './ascii.js';

/** All but the longest lines have ended by then: for them, words would cost more than they save. */
const BYTE_BY_BYTE = 128;
const WORD_LENGTH = 4;
/** In each of four bytes: the first that is larger than LF, one, and the highest bit. */
const PAST_LF = (LF + 1) * 0x01010101;
const ONES = 0x01010101;
const HIGHEST_BITS = 0x80808080;

/** The memory last searched, as words: packets come from one piece of memory, so that it is made once. */
let words: Int32Array = new Int32Array(0);

/**
 * Offset of the first byte from `at` on that may be LF, NUL or IAC, or `end`. All three lie within 0xff to 0x0a, modulo 256, so
 * that one comparison passes over every other byte. A loop of its own, because so it runs four times as fast as within a larger
 * function; `indexOf` has no end to stop at, and would search all packets.
 */
export function nextNotable(bytes: Buffer, at: number, end: number): number {
  const near = end - at > BYTE_BY_BYTE ? at + BYTE_BY_BYTE : end;
  while (at < near && (((bytes[at] ?? 0) + 1) & 0xff) > LF + 1) at += 1;
  return at < near || near === end ? at : nextFar(bytes, at, end);
}

function nextFar(bytes: Buffer, at: number, end: number): number {
  const aligned = Math.min(end, at + toWord(at + bytes.byteOffset));
  const found = byBytes(bytes, at, aligned);
  return found < aligned ? found : byBytes(bytes, byWords(bytes, aligned, end), end);
}

/** Bytes from an address to the next that is one of a word. */
const toWord = (address: number): number => -address & (WORD_LENGTH - 1);

function byBytes(bytes: Buffer, at: number, end: number): number {
  while (at < end && (((bytes[at] ?? 0) + 1) & 0xff) > LF + 1) at += 1;
  return at;
}

/** Passes over the words, of which one begins at `at`, without any notable byte. */
function byWords(bytes: Buffer, at: number, end: number): number {
  const { buffer, byteOffset } = bytes;
  if (words.buffer !== buffer) words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const last = (end + byteOffset) >> 2;
  let word = (at + byteOffset) >> 2;
  while (word < last && isText(words[word] ?? 0)) word += 1;
  return word * WORD_LENGTH - byteOffset;
}

/** Whether none of a word's bytes is at most LF, or 0xff: then subtracting sets no highest bit that was not set before. */
const isText = (word: number): boolean =>
  ((((word - PAST_LF) & ~word) | ((~word - ONES) & word)) & HIGHEST_BITS) === 0;
