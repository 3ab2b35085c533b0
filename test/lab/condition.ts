/**
 * Waiting for something to become true, with a deadline: the only way anything here waits.
 *
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises';

const POLL_INTERVAL_MS = 10;
const DEFAULT_DEADLINE_MS = 10_000;
/** How many times slower than usual this machine is; an emulated machine sets it. */
const SLOWNESS = Number(process.env['LAB_SLOWNESS'] ?? 1);

/**
 * Calls `probe` until it returns something other than `undefined` or `false`, and returns that. Throws after
 * `deadlineMs`, or as many times that as this machine is slower than usual, with `what` was waited for; what `probe` throws ends the wait at once.
 */
export async function waitFor<T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<T> {
  const deadline = performance.now() + deadlineMs * SLOWNESS;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`waited ${deadlineMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await pause(POLL_INTERVAL_MS);
  }
}
