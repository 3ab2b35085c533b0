/**
 * Arithmetic on TCP sequence numbers (RFC 9293 §3.4): unsigned 32-bit numbers that wrap. The only module that
 * adds to or subtracts them; every other file asks here.
 *
 * @module
 */

/**
 * Bytes from `from` to `to`: positive when `to` is ahead, negative when it is behind. Right for any two numbers
 * less than 2^31 apart, across the wrap as well.
 */
export const sequenceDistance = (from: number, to: number): number => (to - from) | 0;

/** The number `count` bytes after `sequence`; `count` may be negative. */
export const sequenceAdd = (sequence: number, count: number): number => (sequence + count) >>> 0;

/** Whether `one` comes before `other`. */
export const sequenceBefore = (one: number, other: number): boolean => sequenceDistance(one, other) > 0;

/** Whichever of the two comes first. */
export const sequenceEarlier = (one: number, other: number): number =>
  sequenceBefore(other, one) ? other : one;

/** Whichever of the two comes last. */
export const sequenceLater = (one: number, other: number): number =>
  sequenceBefore(one, other) ? other : one;
