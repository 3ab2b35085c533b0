/**
 * What clients and servers may send, byte by byte and segment by segment, and what ours makes of it; beside it what the
 * kernel's helper does, which is printed and not asked for.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Daemon } from '../lab/daemon.js';
import { fateOf } from './cases/case.js';
import { CASES, documented, HOW_TO_RECORD, PAGE, summary, type Results } from './cases/page.js';
import { playCases } from './cases/run.js';

describe('of the cases', () => {
  let results: Results;
  let daemons: readonly Daemon[];
  beforeAll(async () => {
    const { daemons: ended, ...seen } = await playCases();
    results = seen;
    daemons = ended;
    console.table(
      CASES.map(({ name }, at) => ({
        case: name,
        kernel: summary(seen.kernel[at]),
        ours: summary(seen.ours[at]),
      })),
    );
  }, 240_000);

  it.each(CASES.map((each, at) => ({ ...each, at })))('$name', ({ at, steps, opens, refuses }) => {
    const seen = results.ours[at];
    const decisions = seen?.decisions ?? [];
    const expected = decisions.filter(({ decision }) => decision === 'expected');
    expect(seen).toMatchObject({
      ...{ missing: [], unwanted: [], several: false },
      // What is decided is what the kernel tells of: once of what is expected already, and is refreshed.
      opened: expected
        .map(({ address, port }) => `${address ?? ''}:${port ?? ''}`)
        .filter((endpoint, at, endpoints) => endpoint !== endpoints[at - 1]),
      invalid: steps.filter((step) => fateOf(step) === 'invalid').length,
    });
    expect(expected.map(({ port }) => port)).toEqual(opens);
    expect(decisions.flatMap(({ reason }) => reason ?? [])).toEqual(refuses);
  });

  it('every daemon ended cleanly, without drops or failures', () => {
    for (const daemon of daemons) {
      expect(daemon.counter('withheld')).toBe(0);
      expect(daemon.counter('defects')).toBe(0);
    }
  });

  it('docs/cases.md is current', () => {
    const seen = Object.fromEntries(CASES.map(({ name }, at) => [name, summary(results.ours[at])]));
    expect(documented(readFileSync(PAGE, 'utf8')), `to record it again: ${HOW_TO_RECORD}`).toEqual(seen);
  });
});
