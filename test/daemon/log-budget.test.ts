/** The limit of log lines per second, and the count of suppressed lines. */
import { describe, expect, it } from 'vitest';
import { LogBudget } from '../../src/daemon/log-budget.js';

describe('the log budget', () => {
  it('allows a number of lines per second', () => {
    const budget = new LogBudget(2);
    expect([10, 10.1, 10.2, 10.9, 11, 11.5, 11.9].map((now) => budget.take(now))).toEqual([
      ...[true, true, false, false],
      ...[true, true, false],
    ]);
    expect(budget.suppressedInAll).toBe(3);
  });

  it('reports suppressed lines when their second is over', () => {
    const budget = new LogBudget(1);
    for (const now of [10, 10.1, 10.2]) budget.take(now);
    expect(budget.takeSuppressed(10.9)).toBe(0);
    expect(budget.takeSuppressed(11)).toBe(2);
    expect(budget.takeSuppressed(12)).toBe(0);
  });

  it('starts again after the clock was set back', () => {
    const budget = new LogBudget(1);
    budget.take(1000);
    expect(budget.take(1000)).toBe(false);
    expect(budget.take(500)).toBe(true);
    expect(budget.takeSuppressed(500)).toBe(0);
    expect(budget.takeSuppressed(501)).toBe(1);
  });
});
