/** Tests the targets of `npm run fuzz` (saved crashes, a short run of each), and the fuzzer itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fuzz } from './campaign.js';
import { saveCrash, savedCrashes } from './crashes.js';
import { mutate } from './mutation.js';
import { Random } from './random.js';
import type { Target } from './target.js';
import { TARGETS } from './targets.js';

const ITERATIONS = 300;
/** Milliseconds; a busy machine takes ten times as long as an idle one. */
const PATIENCE = 120_000;

describe.each(Object.entries(TARGETS))('the fuzz target %s', (name, make) => {
  it('survives its saved crashes', async () => {
    const target = await make();
    for (const input of savedCrashes(name).values()) target.run(Buffer.from(input));
  });

  it(
    'holds for its corpus and some changes of it',
    async () => {
      const { crashes, iterations } = fuzz(await make(), 1, { iterations: ITERATIONS, seconds: Infinity });
      expect(crashes).toEqual([]);
      expect(iterations).toBeGreaterThanOrEqual(ITERATIONS);
    },
    PATIENCE,
  );
});

describe('the fuzzer', () => {
  const fragile: Target = {
    name: 'fragile',
    corpus: [Buffer.from('220 ready\r\n')],
    words: [Buffer.from('PORT')],
    maxLength: 100,
    run(input) {
      if (input.includes('PORT')) throw new Error('on purpose');
    },
  };

  it('reports a crash once per location and continues', () => {
    const limits = { iterations: 500, seconds: Infinity };
    const { crashes, iterations } = fuzz(fragile, 1, limits);
    expect(iterations).toBe(500);
    expect(crashes).toMatchObject([{ error: new Error('on purpose') }]);
    expect(crashes[0]?.input.includes('PORT')).toBe(true);
  });

  it('generates the same inputs from the same seed, within the length limit', () => {
    const some = (seed: number): Buffer[] => {
      const random = new Random(seed);
      return Array.from({ length: 200 }, () => mutate(fragile, fragile.corpus, random));
    };
    expect(some(5)).toEqual(some(5));
    expect(some(5)).not.toEqual(some(6));
    expect(Math.max(...some(5).map(({ length }) => length))).toBeLessThanOrEqual(100);
  });

  it('saves a crash once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'crashes-'));
    const input = Buffer.from('PORT');
    expect(saveCrash('fragile', input, folder)).toBe(saveCrash('fragile', input, folder));
    expect([...savedCrashes('fragile', folder).values()]).toEqual([input]);
    expect(savedCrashes('another', folder).size).toBe(0);
    rmSync(folder, { recursive: true });
  });
});
