/**
 * The time, for all threads of the process: it does not step when the wall clock does.
 *
 * @module
 */

/** Seconds since 1970, with the microseconds that decisions are logged with. */
export const now = (): number => (performance.timeOrigin + performance.now()) / 1000;
