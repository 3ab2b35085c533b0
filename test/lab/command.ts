/**
 * Programs that run to their end: what they printed and how they ended, with a deadline, never a shell.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import type { Environment } from './environment.js';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export interface CommandOptions {
  /** Bytes for its standard input; without it the standard input is empty. */
  readonly input?: string;
  /** After this many milliseconds it is killed and the result has `timedOut`. Default 30,000. */
  readonly deadlineMs?: number;
  /** The environment; ours by default. */
  readonly environment?: Environment;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Completed {
  readonly command: Command;
  /** Exit code; `undefined` if a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const DEFAULT_DEADLINE_MS = 30_000;

/** Runs `command` to its end, however it ends. Throws only if the program cannot be started. */
export async function run(command: Command, options: CommandOptions = {}): Promise<Completed> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { ...(options.environment ?? process.env), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let timedOut = false;
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program may end without reading its input: EPIPE adds nothing to its result.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const deadline = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.deadlineMs ?? DEFAULT_DEADLINE_MS);

  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return {
      command,
      status: status ?? undefined,
      stdout: Buffer.concat(stdout).toString('utf8'),
      stderr: Buffer.concat(stderr).toString('utf8'),
      timedOut,
    };
  } finally {
    clearTimeout(deadline);
  }
}

/** Runs `command` and returns its output. Throws with its standard error if it fails. */
export async function runChecked(command: Command, options: CommandOptions = {}): Promise<string> {
  const completed = await run(command, options);
  if (completed.status !== 0) throw new Error(describeEnding(completed));
  return completed.stdout;
}

/** One paragraph for a person: the command, how it ended, what it printed. */
export function describeEnding(completed: Completed): string {
  const ending = completed.timedOut
    ? 'ran past its deadline'
    : `ended with ${completed.status ?? 'a signal'}`;
  return `\`${completed.command.join(' ')}\` ${ending}\n${completed.stderr}${completed.stdout}`.trimEnd();
}
