/**
 * Prints one line for each step of the set-up: its subject and its outcome. The output of programs is shown only if
 * one fails.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The project's top folder. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Something is missing that this script cannot install. The message says what to do. */
export class SetupError extends Error {}

/**
 * Does `work` and prints what it says was done.
 *
 * @param {string} subject what the step is about, as `addon`
 * @param {() => string} work answers what was done, as `built`
 */
export function step(subject, work) {
  const start = performance.now();
  // Printed first, so that the user sees what is in progress.
  process.stdout.write(`setup  ${subject.padEnd(16)} `);
  const outcome = work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${outcome} (${seconds} s)\n`);
}

/**
 * Runs a program to its end and answers its standard output. Throws with all that it said where it fails.
 *
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {string}
 */
export function quietly(command, { cwd = PROJECT, env = {} } = {}) {
  const [program = '', ...args] = command;
  const done = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (done.error) throw new SetupError(`${program} cannot be run: ${done.error.message}`);
  if (done.status !== 0) {
    throw new SetupError(`\`${command.join(' ')}\` failed:\n${done.stdout}${done.stderr}`);
  }
  return done.stdout;
}
