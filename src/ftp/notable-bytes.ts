/**
 * Skips ordinary text in a line. The scanner needs to look only at LF, NUL and IAC.
 *
 * @module
 */
import { LF } from './ascii.js';

/**
 * All but the longest lines end within this many bytes. For them, searching by words would cost more than
 * it saves.
 */
const BYTE_BY_BYTE = 128;
const WORD_LENGTH = 4;
/** In each of four bytes: LF + 1, one, and the highest bit. */
const PAST_LF = (LF + 1) * 0x01010101;
const ONES = 0x01010101;
const HIGHEST_BITS = 0x80808080;

/** The memory last searched, as words. Packets share one buffer, so this view is created once. */
let words: Int32Array = new Int32Array(0);

/**
 * Returns the offset of the first byte from `at` on that may be LF, NUL or IAC, or `end`. All three lie in
 * 0xff to 0x0a modulo 256, so one comparison skips every other byte. Kept as its own function: V8 runs it
 * four times faster than inlined in a larger one. `indexOf` takes no end offset and would search all
 * packets.
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

/** Returns the bytes from an address to the next word boundary. */
const toWord = (address: number): number => -address & (WORD_LENGTH - 1);

function byBytes(bytes: Buffer, at: number, end: number): number {
  while (at < end && (((bytes[at] ?? 0) + 1) & 0xff) > LF + 1) at += 1;
  return at;
}

/** Skips words without a notable byte. A word begins at `at`. */
function byWords(bytes: Buffer, at: number, end: number): number {
  const { buffer, byteOffset } = bytes;
  if (words.buffer !== buffer) words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const last = (end + byteOffset) >> 2;
  let word = (at + byteOffset) >> 2;
  while (word < last && isText(words[word] ?? 0)) word += 1;
  return word * WORD_LENGTH - byteOffset;
}

/**
 * Returns whether no byte of the word is at most LF, or 0xff: then the subtractions set no highest bit that
 * was clear.
 */
const isText = (word: number): boolean =>
  ((((word - PAST_LF) & ~word) | ((~word - ONES) & word)) & HIGHEST_BITS) === 0;
