import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  sequenceAdd,
  sequenceBefore,
  sequenceDistance,
  sequenceEarlier,
  sequenceLater,
} from '../../src/tcp/sequence.js';

const MODULUS = 2 ** 32;
const sequence = fc.oneof(fc.nat(MODULUS - 1), fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, MODULUS - 1));
const distance = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });

describe('sequence numbers', () => {
  it.each([
    { from: 0, to: 0, distance: 0 },
    { from: 10, to: 15, distance: 5 },
    { from: 15, to: 10, distance: -5 },
    { from: MODULUS - 1, to: 0, distance: 1 },
    { from: 0, to: MODULUS - 1, distance: -1 },
    { from: MODULUS - 3, to: 4, distance: 7 },
    { from: 2 ** 31 - 1, to: 2 ** 31, distance: 1 },
    { from: 0, to: 2 ** 31 - 1, distance: 2 ** 31 - 1 },
  ])('from $from to $to it is $distance bytes', ({ from, to, distance: expected }) => {
    expect(sequenceDistance(from, to)).toBe(expected);
  });

  it('adds the measured distance and stays an unsigned 32-bit number', () => {
    fc.assert(
      fc.property(sequence, distance, (from, count) => {
        const to = sequenceAdd(from, count);
        expect(to).toBe((((from + count) % MODULUS) + MODULUS) % MODULUS);
        expect(sequenceDistance(from, to)).toBe(count);
      }),
    );
  });

  it('orders two numbers less than 2^31 apart by their distance', () => {
    fc.assert(
      fc.property(sequence, distance, (from, count) => {
        const to = sequenceAdd(from, count);
        expect(sequenceBefore(from, to)).toBe(count > 0);
        expect(sequenceEarlier(from, to)).toBe(count < 0 ? to : from);
        expect(sequenceLater(from, to)).toBe(count > 0 ? to : from);
      }),
    );
  });
});
