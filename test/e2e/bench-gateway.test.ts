/**
 * The benchmark's parts `latency` and `sessions`: commands and transfers come through the gateway, whoever opens it, and a transfer
 * that does not fails the trial. No figure is judged.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { openedByNobody } from '../bench/filtered-gateway.js';
import { measureRoundTrips, passages } from '../bench/latency.js';
import { buildPrograms } from '../bench/readers.js';
import { measureSessions, MODES, settings } from '../bench/sessions.js';

/** The least that there is. */
const TINY = 0.01;

beforeAll(async () => {
  await buildPrograms(['ftp-server', 'ftp-client', 'round-trip', 'library-reader', 'batches']);
});

describe('commands are answered', () => {
  it.each(Object.entries(passages()))('by way of %s', async (_, open) => {
    const { p50 = NaN, p99 = NaN, p999 = NaN } = await measureRoundTrips(open, TINY);
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(p999).toBeGreaterThanOrEqual(p99);
  });
});

describe.each(MODES)('%s transfers', (mode) => {
  it.each(Object.entries(settings()))('come by way of %s', async (_, setting) => {
    const figures = await measureSessions(setting, mode, TINY);
    expect(figures['rate']).toBeGreaterThan(0);
    expect(figures['failed']).toBe(0);
  });

  it('fail where nobody opens the filter, and so does the trial', async () => {
    const closed = { passing: 'control connections', open: openedByNobody } as const;
    await expect(measureSessions(closed, mode, TINY)).rejects.toThrow(/64 transfers failed/);
  });
});
