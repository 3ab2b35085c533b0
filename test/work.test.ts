/** The work for a packet does not grow with its stream: adversarial streams of growing size. */
import { describe, expect, it } from 'vitest';
import { workOf } from './work/work.js';

// Imported after counting has started.
const { ADVERSARIAL_STREAMS, connectionOf, opening } = await import('./work/adversarial-streams.js');
const { newHelper } = await import('./helper/dialogue.js');

/** A stream four times as long may cost four times the work, minus the start-up cost. */
const TOLERANCE = 1.15;
const PATIENCE = 120_000;

/** Returns the helper's work on these packets, driven as the daemon drives it. */
function helperWork(packets: readonly Buffer[], translated: boolean): number {
  const connection = { ...connectionOf(translated), id: 1 };
  const helper = newHelper({ lookup: () => connection });
  const play = (packet: Buffer): void => {
    helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: 1 }, 1);
  };
  opening(translated).forEach(play);
  return workOf(() => {
    packets.forEach(play);
  });
}

describe('the work', () => {
  it('includes our own sources and native calls', async () => {
    const { LineScanner } = await import('../src/ftp/line-scanner.js');
    const scanner = new LineScanner({ halves: 2 }, { onLine: () => undefined });
    scanner.begin(0);
    const bytes = Buffer.alloc(4000, 'a');
    const [one = 0, four = 0] = [1000, 4000].map((length) =>
      workOf(() => {
        scanner.scan(0, bytes, 0, length, 0);
      }),
    );
    // Each byte is examined once; up to 2,049 bytes are kept.
    expect(one).toBeGreaterThan(2000);
    expect(four).toBeGreaterThan(4000);
    expect(workOf(() => Buffer.alloc(100).copy(bytes))).toBe(100);
  });

  it('is detected if it grows with the square of the stream', () => {
    const squared = (size: number): number =>
      workOf(() => {
        for (let at = 0; at < size; at++) Buffer.alloc(10).copy(Buffer.alloc(at));
        for (let at = 0; at < size; at++) Buffer.alloc(at).copy(Buffer.alloc(at));
      });
    expect(squared(400)).toBeGreaterThan(4 * TOLERANCE * squared(100));
  });

  it.each(ADVERSARIAL_STREAMS)(
    'grows linearly on $name',
    ({ sizes: [small, large], translated = false, packets }) => {
      const [one, four] = [packets(small), packets(large)];
      const factor = four.length / one.length;
      const work = [helperWork(one, translated), helperWork(four, translated)] as const;
      expect(work[0]).toBeGreaterThan(one.length);
      expect(work[1]).toBeLessThanOrEqual(factor * TOLERANCE * work[0]);
    },
    PATIENCE,
  );
});
