/**
 * Bytes of a peer in the middle of other bytes: what a reader makes of them must not depend on what is around them.
 *
 * @module
 */
import assert from 'node:assert/strict';

const MARGIN = 64;

/** Has `read` read `input` between zeros and between ones; answers what it makes of it, which must be the same. */
export function readAside<T>(input: Uint8Array, read: (bytes: Buffer, start: number, end: number) => T): T {
  const [one, other] = [0x00, 0xff].map((around) => {
    const bytes = Buffer.alloc(input.length + 2 * MARGIN, around);
    bytes.set(input, MARGIN);
    return read(bytes, MARGIN, MARGIN + input.length);
  });
  assert.deepEqual(one, other, 'bytes around the range were read');
  return one as T;
}
