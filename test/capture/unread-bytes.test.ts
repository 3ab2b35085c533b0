import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnreadBytes } from '../../src/capture/unread-bytes.js';

const unreadOf = (unread: UnreadBytes): Buffer => unread.bytes.subarray(unread.start, unread.end);

describe('UnreadBytes', () => {
  it('reads a chunk in place if nothing is left of the previous one', () => {
    const unread = new UnreadBytes();
    const [first, second] = [Buffer.from('first'), Buffer.from('second')];
    unread.append(first);
    expect(unread.bytes).toBe(first);
    unread.take(first.length);
    unread.append(second);
    expect(unread.bytes).toBe(second);
  });

  it('copies only the unread bytes when it releases a chunk', () => {
    const unread = new UnreadBytes();
    const chunk = Buffer.from('read, unread');
    unread.append(chunk);
    unread.take(6);
    unread.keep();
    chunk.fill('x');
    expect(unreadOf(unread).toString()).toBe('unread');
    expect(unread.bytes.length).toBeLessThan(2 * chunk.length);
  });

  it('releases a chunk that was read to its end', () => {
    const unread = new UnreadBytes();
    unread.append(Buffer.from('all'));
    unread.take(3);
    unread.keep();
    expect(unread.bytes.length).toBe(0);
    expect(unread.position).toBe(3);
  });

  it('moves each byte only a few times, however small the chunks', () => {
    const unread = new UnreadBytes();
    const memories = new Set<Buffer>();
    for (let count = 0; count < 10_000; count++) {
      unread.append(Buffer.of(count & 0xff));
      unread.keep();
      memories.add(unread.bytes);
    }
    expect(unread.length).toBe(10_000);
    expect(memories.size).toBeLessThan(20);
  });

  it('always holds exactly the bytes that arrived and were not taken', () => {
    const step = fc.oneof(
      fc.record({ append: fc.uint8Array({ maxLength: 40, size: 'max' }) }),
      fc.record({ take: fc.nat(60) }),
      fc.constant({ keep: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const unread = new UnreadBytes();
        let expected = Buffer.alloc(0);
        let position = 0;
        let borrowed: Buffer[] = [];
        for (const one of steps) {
          if ('append' in one) {
            const chunk = Buffer.from(one.append);
            borrowed.push(chunk);
            expected = Buffer.concat([expected, chunk]);
            unread.append(chunk);
          } else if ('take' in one) {
            const count = Math.min(one.take, expected.length);
            expected = expected.subarray(count);
            position += count;
            unread.take(count);
          } else {
            unread.keep();
            for (const chunk of borrowed) chunk.fill(0xee);
            borrowed = [];
          }
          expect(unreadOf(unread)).toEqual(expected);
          expect(unread).toMatchObject({ length: expected.length, position });
        }
      }),
    );
  });
});
