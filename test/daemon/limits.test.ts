/** How the limits of the daemon are divided among its workers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeParse } from 'zod/mini';
import { RunOptionsSchema } from '../../src/daemon/settings.js';
import { readerLimits, type ReaderLimits } from '../../src/daemon/limits.js';

const DEFAULTS = RunOptionsSchema.parse({});

const limitsOfAll = (options: typeof DEFAULTS): ReaderLimits[] =>
  Array.from({ length: options.workers }, (_, at) => readerLimits(options, at + 1));
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('the limits', () => {
  it('of one worker are those of the daemon', () => {
    expect(readerLimits(DEFAULTS, 1)).toEqual({
      connections: 262_144,
      connectionsPerClient: 4096,
      expectationsPerClient: 512,
      pinholeRequests: 2000,
      logLines: 1000,
      outOfOrderBytes: 64 * 2 ** 20,
      unfinishedLineBytes: 16 * 2 ** 20,
    });
  });

  it('of all workers add up to those of the daemon or slightly more, and log lines exactly', () => {
    const someOptions = fc.record({
      workers: fc.integer({ min: 1, max: 64 }),
      maxConnections: fc.integer({ min: 16, max: 1_048_576 }),
      maxConnectionsPerClient: fc.integer({ min: 1, max: 10_000 }),
      maxExpectationsPerClient: fc.integer({ min: 1, max: 10_000 }),
      logRate: fc.integer({ min: 64, max: 10_000 }),
    });
    fc.assert(
      fc.property(someOptions, (some) => {
        const all = limitsOfAll({ ...DEFAULTS, ...some });
        expect(sum(all.map(({ logLines }) => logLines))).toBe(some.logRate);
        for (const [of, whole] of [
          ['connections', some.maxConnections],
          ['pinholeRequests', 2000],
        ] as const) {
          const together = sum(all.map((limits) => limits[of]));
          expect(together).toBeGreaterThanOrEqual(whole);
          expect(together).toBeLessThan(whole + some.workers);
        }
        for (const [of, whole] of [
          ['connectionsPerClient', some.maxConnectionsPerClient],
          ['expectationsPerClient', some.maxExpectationsPerClient],
        ] as const) {
          for (const limits of all) {
            expect(limits[of]).toBeGreaterThanOrEqual(whole / some.workers);
            expect(limits[of]).toBeLessThanOrEqual(whole);
          }
        }
        expect(Math.min(...all.flatMap((limits) => Object.values(limits) as number[]))).toBeGreaterThan(0);
      }),
    );
  });

  it('per client leave room for a worker that gets more of its connections than others', () => {
    const [one] = limitsOfAll({ ...DEFAULTS, workers: 4 });
    expect([one?.connectionsPerClient, one?.expectationsPerClient]).toEqual([1024 + 128, 128 + 46]);
    const [few] = limitsOfAll({ ...DEFAULTS, workers: 8, maxConnectionsPerClient: 4 });
    expect(few?.connectionsPerClient).toBe(4);
  });

  it('leave each worker at least one log line', () => {
    expect(safeParse(RunOptionsSchema, { workers: 4, logRate: 4 }).success).toBe(true);
    expect(safeParse(RunOptionsSchema, { workers: 4, logRate: 3 }).success).toBe(false);
  });
});
