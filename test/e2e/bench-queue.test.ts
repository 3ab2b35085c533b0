/**
 * The benchmark's part `queue`: its readers give verdicts to packets, and have all expected that is announced. No figure is judged. npm's `nfqueue`, which the
 * benchmark installs for itself, is not tried here.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { QUEUE_MIXES } from '../bench/queue-mixes.js';
import { buildPrograms } from '../bench/readers.js';
import { measureReader, QUEUE_PROGRAMS } from '../bench/queue.js';

/** The least that there is. */
const TINY = 0.01;

const trials = QUEUE_MIXES.flatMap((mix) =>
  mix.readers.filter((name) => name !== 'npm nfqueue').map((name) => ({ mix, name })),
);

beforeAll(async () => {
  await buildPrograms(QUEUE_PROGRAMS);
});

describe('packets of the flood get their verdict', () => {
  it.each(trials)('$mix.name: from $name', async ({ mix, name }) => {
    const figures = await measureReader(name, mix, TINY);
    expect(figures['live']).toBeGreaterThan(0);
    expect(figures['emptying']).toBeGreaterThan(0);
    expect(figures['dropped']).toBe(0);
  });
});
