/**
 * Programs that keep running beside a test: servers, the daemon, `conntrack -E`, `tcpdump`. Their output is
 * kept line by line, their end is a promise, and stopping them has a deadline.
 *
 * @module
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { Command } from './command.js';
import { waitFor } from './condition.js';
import type { Environment } from './environment.js';

/** How a process ended: exactly one of the two is there. */
export interface Ending {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface RunningProcessOptions {
  /** The environment; ours by default. */
  readonly environment?: Environment;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const STOP_DEADLINE_MS = 10_000;

export class RunningProcess {
  readonly command: Command;
  /** Lines of the standard output, and of the standard error, so far. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when it has ended and all its output was read. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #listeners = new Set<(line: string) => void>();
  #ending: Ending | undefined;

  private constructor(command: Command, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.command = command;
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.stdout.push(line);
      for (const listener of this.#listeners) listener(line);
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.stderr.push(line));
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        this.#ending = { status: status ?? undefined, signal: signal ?? undefined };
        resolve(this.#ending);
      });
    });
  }

  /** Starts `command`; throws if the program cannot be started at all. */
  static async start(command: Command, options: RunningProcessOptions = {}): Promise<RunningProcess> {
    const [program, ...args] = command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...(options.environment ?? process.env), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const running = new RunningProcess(command, child);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return running;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.command[0]} never ran`);
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** Calls `listener` with each further line of the standard output. */
  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Waits for a result of `probe`; throws with the output of the process if it ends before that. */
  async waitUntil<T>(
    what: string,
    probe: () => T | undefined | false | Promise<T | undefined | false>,
    deadlineMs?: number,
  ): Promise<T> {
    return waitFor(
      () => `${what} of ${this.describe()}`,
      async () => {
        const answer = await probe();
        if ((answer === undefined || answer === false) && this.hasEnded) {
          throw new Error(`ended before ${what}: ${this.describe()}`);
        }
        return answer;
      },
      deadlineMs,
    );
  }

  /** Sends `signal` and returns how the process ended. Kills a process that does not end in time, and throws. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = STOP_DEADLINE_MS): Promise<Ending> {
    this.#child.kill(signal);
    const deadline = new AbortController();
    const overdue = pause(deadlineMs, 'overdue' as const, { signal: deadline.signal });
    overdue.catch(() => undefined);
    const first = await Promise.race([this.ended, overdue]);
    deadline.abort();
    if (first !== 'overdue') return first;
    this.#child.kill('SIGKILL');
    throw new Error(`${signal} did not end, within ${deadlineMs} ms, ${this.describe()}`);
  }

  /** For the last moments of our own process: no waiting. */
  killNow(): void {
    this.#child.kill('SIGKILL');
  }

  /** The command and the end of its output. */
  describe(): string {
    const said = [...this.stderr.slice(-10), ...this.stdout.slice(-10)];
    return [`\`${this.command.join(' ')}\``, ...said].join('\n  ');
  }
}
