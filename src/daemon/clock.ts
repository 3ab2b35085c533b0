/**
 * The time for all threads of the process. It does not step when the wall clock does.
 *
 * @module
 */

/** Seconds since 1970, with microseconds, as decisions are logged. */
export const now = (): number => (performance.timeOrigin + performance.now()) / 1000;
