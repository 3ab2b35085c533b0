/**
 * Places an input in the middle of other bytes: the result of reading it must not depend on its surroundings.
 *
 * @module
 */
import assert from 'node:assert/strict';

const MARGIN = 64;

/** Runs `read` on `input` between zeros and between ones. Returns the result, which must be the same. */
export function readAside<T>(input: Uint8Array, read: (bytes: Buffer, start: number, end: number) => T): T {
  const [one, other] = [0x00, 0xff].map((around) => {
    const bytes = Buffer.alloc(input.length + 2 * MARGIN, around);
    bytes.set(input, MARGIN);
    return read(bytes, MARGIN, MARGIN + input.length);
  });
  assert.deepEqual(one, other, 'bytes around the range were read');
  return one as T;
}
