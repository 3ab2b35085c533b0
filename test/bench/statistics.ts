/**
 * Numbers of several runs as one: the median, how far the runs lie apart, and the ratio of two rows that took turns.
 *
 * @module
 */

/** The middle one, or the mean of the two in the middle; `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const lower = sorted[Math.ceil(middle) - 1] ?? NaN;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return (lower + upper) / 2;
}

/** The value that so large a part of them is below, of those that there are; `NaN` of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? NaN;
}

/** From the smallest to the largest, as a part of the median; `NaN` of none, 0 where all are equal. */
export function spread(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const range = Math.max(...values) - Math.min(...values);
  return range === 0 ? 0 : range / Math.abs(median(values));
}

/**
 * The median of the ratios run by run: what slowed down the machine for a while slowed down both of a pair. Runs that one of
 * them does not have are left out.
 */
export function medianRatio(
  values: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): number {
  const ratios = values.flatMap((value, run) => {
    const other = others[run];
    return value === undefined || other === undefined ? [] : [value / other];
  });
  return median(ratios);
}
