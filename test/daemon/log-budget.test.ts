/** Lines a second, and the count of those left out. */
import { describe, expect, it } from 'vitest';
import { LogBudget } from '../../src/daemon/log-budget.js';

describe('the budget of the log', () => {
  it('is so many lines a second', () => {
    const budget = new LogBudget(2);
    expect([10, 10.1, 10.2, 10.9, 11, 11.5, 11.9].map((now) => budget.take(now))).toEqual([
      ...[true, true, false, false],
      ...[true, true, false],
    ]);
    expect(budget.suppressedInAll).toBe(3);
  });

  it('tells how many lines were left out when their second is over', () => {
    const budget = new LogBudget(1);
    for (const now of [10, 10.1, 10.2]) budget.take(now);
    expect(budget.settle(10.9)).toBe(0);
    expect(budget.settle(11)).toBe(2);
    expect(budget.settle(12)).toBe(0);
  });

  it('is there again after a clock was set back', () => {
    const budget = new LogBudget(1);
    budget.take(1000);
    expect(budget.take(1000)).toBe(false);
    expect(budget.take(500)).toBe(true);
    expect(budget.settle(500)).toBe(0);
    expect(budget.settle(501)).toBe(1);
  });
});
