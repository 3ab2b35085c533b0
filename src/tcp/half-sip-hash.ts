/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; the `hsiphash` of linux/siphash.h) over 32-bit words. A hash
 * table keyed by network input needs a hash whose collisions cannot be found without the key.
 * Multiplicative hashes do not qualify: they have collisions that hold for every seed.
 *
 * @module
 */

const INITIAL_2 = 0x6c796765;
const INITIAL_3 = 0x74656462;
const FINAL_MARK = 0xff;
/** Rounds after the last word; each earlier word has one round. */
const FINAL_ROUNDS = 3;
/** The last word carries the length in bytes in its highest byte: the word count times 4, shifted by 24. */
const LENGTH_SHIFT = 26;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/**
 * Returns the hash of `count` (0 to 63) words from `at`, under the 64-bit key of two words, as a signed
 * 32-bit number.
 */
export function halfSipHash(
  words: Int32Array,
  at: number,
  count: number,
  keyLow: number,
  keyHigh: number,
): number {
  let v0 = keyLow | 0;
  let v1 = keyHigh | 0;
  let v2 = INITIAL_2 ^ keyLow;
  let v3 = INITIAL_3 ^ keyHigh;
  for (let round = 0; round <= count + FINAL_ROUNDS; round++) {
    // The words come first, then the length. The final rounds have no word; xor with 0 leaves the state
    // unchanged.
    const word = round < count ? (words[at + round] ?? 0) : round === count ? count << LENGTH_SHIFT : 0;
    if (round === count + 1) v2 ^= FINAL_MARK;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
