/**
 * Arithmetic on TCP sequence numbers (RFC 9293 §3.4): unsigned 32-bit numbers that wrap. No other module
 * adds or subtracts sequence numbers.
 *
 * @module
 */

/**
 * Returns the bytes from `from` to `to`: positive if `to` is ahead, negative if it is behind. Correct for
 * any two numbers less than 2^31 apart, also across the wrap.
 */
export const sequenceDistance = (from: number, to: number): number => (to - from) | 0;

/** Returns the number `count` bytes after `sequence`; `count` may be negative. */
export const sequenceAdd = (sequence: number, count: number): number => (sequence + count) >>> 0;

/** Returns whether `one` precedes `other`. */
export const sequenceBefore = (one: number, other: number): boolean => sequenceDistance(one, other) > 0;

/** Returns the earlier of the two. */
export const sequenceEarlier = (one: number, other: number): number =>
  sequenceBefore(other, one) ? other : one;

/** Returns the later of the two. */
export const sequenceLater = (one: number, other: number): number =>
  sequenceBefore(one, other) ? other : one;
