/** The search by words finds the same byte as the search by bytes, at any position. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextNotable } from '../../src/ftp/notable-bytes.js';

/** Reference implementation. */
function firstNotable(bytes: Buffer, at: number, end: number): number {
  const found = bytes.subarray(at, end).findIndex((byte) => byte <= 0x0a || byte === 0xff);
  return found < 0 ? end : at + found;
}

const text = fc.constantFrom(0x0b, 0x0d, 0x20, 0x41, 0x7f, 0x80, 0x8a, 0xfe);
const any = fc.oneof({ weight: 200, arbitrary: text }, { weight: 1, arbitrary: fc.nat(255) });

describe('nextNotable', () => {
  it('finds the same first byte as a loop over the bytes', () => {
    const memory = fc.array(any, { minLength: 1, maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(memory, fc.nat(7), fc.nat(400), fc.nat(8), (values, shift, from, short) => {
        const bytes = Buffer.from([...Array<number>(shift).fill(0), ...values]).subarray(shift);
        const at = Math.min(from, bytes.length);
        const end = Math.max(at, bytes.length - short);
        expect(nextNotable(bytes, at, end)).toBe(firstNotable(bytes, at, end));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds each notable byte at each position in a word, and no similar byte', () => {
    for (let byte = 0; byte <= 0xff; byte++) {
      for (let place = 126; place < 140; place++) {
        const bytes = Buffer.alloc(150, 0x80);
        bytes[place] = byte;
        expect(nextNotable(bytes, 0, 150)).toBe(firstNotable(bytes, 0, 150));
      }
    }
  });
});
