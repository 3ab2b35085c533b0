/**
 * Loaded by `--import` into the threads of a daemon: while the file `DEATH_FILE` is there, the worker `DYING_WORKER` dies in
 * the way that the file says.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { env, exit } from 'node:process';
import { isMainThread, workerData } from 'node:worker_threads';

const { DYING_WORKER, DEATH_FILE = '' } = env;

/** @type {Record<string, () => void>} */
const DEATHS = {
  throw: () => {
    throw new Error('on purpose');
  },
  exit: () => {
    exit(7);
  },
  memory: () => {
    const hoard = [];
    for (;;) hoard.push(Array(10_000).fill(hoard.length).map(String));
  },
};

/**
 * @param {unknown} start
 * @returns {string | undefined} the number of the worker that is started so
 */
function workerOf(start) {
  return typeof start === 'object' && start !== null && 'worker' in start ? String(start.worker) : undefined;
}

if (!isMainThread && workerOf(workerData) === DYING_WORKER) {
  const look = () => {
    if (existsSync(DEATH_FILE)) DEATHS[readFileSync(DEATH_FILE, 'utf8')]?.();
  };
  setInterval(look, 10).unref();
}
