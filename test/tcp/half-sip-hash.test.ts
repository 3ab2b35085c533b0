import { describe, expect, it } from 'vitest';
import { halfSipHash } from '../../src/tcp/half-sip-hash.js';

const KEY_LOW = 0x03020100;
const KEY_HIGH = 0x07060504;
/** The bytes 0, 1, 2 … as little-endian words, after two words that are not part of the message. */
const AT = 2;
const words = new Int32Array([
  -1,
  -1,
  ...new Int32Array(Uint8Array.from({ length: 40 }, (_, i) => i).buffer),
]);

describe('HalfSipHash-1-3', () => {
  // The published vectors for the key 00 01 … 07 and the message 00 01 02 …
  it.each([
    { count: 0, hash: 0x5814c896 },
    { count: 1, hash: 0x7e059ea6 },
    { count: 3, hash: 0x6b28096c },
    { count: 6, hash: 0x57150ad7 },
    { count: 9, hash: 0x7c46fb7f },
  ])('of $count words is the published number', ({ count, hash }) => {
    expect(halfSipHash(words, AT, count, KEY_LOW, KEY_HIGH) >>> 0).toBe(hash);
  });

  it('depends on each half of the key', () => {
    const hash = halfSipHash(words, AT, 9, KEY_LOW, KEY_HIGH);
    expect(halfSipHash(words, AT, 9, KEY_LOW + 1, KEY_HIGH)).not.toBe(hash);
    expect(halfSipHash(words, AT, 9, KEY_LOW, KEY_HIGH + 1)).not.toBe(hash);
  });
});
