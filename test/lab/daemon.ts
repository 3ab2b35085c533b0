/**
 * conntrack-ftp as installed: its command line in a namespace, its log, and how it ends.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Command } from './command.js';
import { restoreRules } from './firewall.js';
import type { Laboratory } from './laboratory.js';
import type { Namespace } from './namespace.js';
import type { Ending, RunningProcess } from './running-process.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The helper that control connections carry by default. */
export const DEFAULT_ANCHOR = 'sane';

/** A line of the log with `"event":"decision"`. */
const decisionRecord = z.object({
  event: z.literal('decision'),
  client: z.string(),
  clientPort: z.number(),
  server: z.string(),
  serverPort: z.number(),
  announcement: z.enum(['PORT', 'EPRT', '227', '229']),
  address: z.string().optional(),
  port: z.number().optional(),
  decision: z.enum(['expected', 'refused']),
  reason: z.string().optional(),
  rewrittenAddress: z.string().optional(),
  rewrittenPort: z.number().optional(),
  /** If there are several workers. */
  worker: z.number().optional(),
});
export type DecisionRecord = z.infer<typeof decisionRecord>;

/** The numbers among the fields of a line of the log. */
const counters = z
  .record(z.string(), z.unknown())
  .transform((record) =>
    Object.fromEntries(
      Object.entries(record).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    ),
  );

export interface DaemonSettings {
  /** Ports of control connections. */
  readonly ports: readonly number[];
  /** Further options of `run`. */
  readonly options?: readonly string[];
}

/** The command line `conntrack-ftp …`. */
export const conntrackFtp = (...args: readonly string[]): Command => [process.execPath, MAIN, ...args];

/** Loads the ruleset that `conntrack-ftp rules iptables` prints. Without the daemon it accepts all packets. */
export async function loadDaemonRules(
  namespace: Namespace,
  ports: readonly number[],
  ...options: readonly string[]
): Promise<void> {
  const command = conntrackFtp('rules', 'iptables', '--ports', ports.join(','), ...options);
  const ruleset = await namespace.runChecked(command);
  await restoreRules(namespace, ruleset);
}

export class Daemon {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  /** Starts `conntrack-ftp run`; its queue is bound when this resolves. */
  static async start(
    laboratory: Laboratory,
    namespace: Namespace,
    settings: DaemonSettings,
  ): Promise<Daemon> {
    return Daemon.startAs(laboratory, namespace, conntrackFtp(), settings);
  }

  /** Like `start`, with another command line for `conntrack-ftp`. */
  static async startAs(
    laboratory: Laboratory,
    namespace: Namespace,
    program: Command,
    settings: DaemonSettings,
  ): Promise<Daemon> {
    const parameters = ['run', '--ports', settings.ports.join(','), ...(settings.options ?? [])];
    const running = await laboratory.start(namespace, [...program, ...parameters]);
    await running.waitUntil('ready', () => running.stdout.some((line) => eventOf(line) === 'ready'));
    return new Daemon(running);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** All decisions so far, oldest first. */
  get decisions(): readonly DecisionRecord[] {
    return this.#process.stdout
      .filter((line) => eventOf(line) === 'decision')
      .map((line) => decisionRecord.parse(JSON.parse(line)));
  }

  /** Calls `listener` with each further decision. */
  onDecision(listener: (decision: DecisionRecord) => void): void {
    this.#process.onLine((line) => {
      if (eventOf(line) === 'decision') listener(decisionRecord.parse(JSON.parse(line)));
    });
  }

  /** Waits for `count` decisions after the first `seen`, and returns them. */
  async awaitDecisions(count: number, seen: number): Promise<readonly DecisionRecord[]> {
    return this.#process.waitUntil(`${count} decisions`, () => {
      const made = this.decisions.slice(seen);
      return made.length >= count && made;
    });
  }

  /** The log line with the counters; `undefined` while the daemon runs. */
  get lastWords(): string | undefined {
    return this.#process.stdout.find((line) => eventOf(line) === 'stopped');
  }

  /** The counter `name` of `stopped`; `undefined` while the daemon runs. */
  counter(name: string): number | undefined {
    const { lastWords } = this;
    return lastWords === undefined ? undefined : counters.parse(JSON.parse(lastWords))[name];
  }

  /** The log lines of one event. */
  events(event: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#process.stdout
      .filter((line) => eventOf(line) === event)
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  }

  /** Stops the daemon as an administrator would; throws if it does not end cleanly. */
  async stop(): Promise<void> {
    const { status } = await this.#process.stop('SIGTERM');
    if (status !== 0)
      throw new Error(`SIGTERM did not end it cleanly (${status ?? 'a signal'}): ${this.log}`);
  }

  /** Sends a signal that ends the daemon, and returns how it ended. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    return this.#process.stop(signal);
  }

  /** Its log and its standard error. */
  get log(): string {
    return [...this.#process.stdout, ...this.#process.stderr].join('\n');
  }
}

/** The `event` of a line of the log; `undefined` if the line is no JSON object or has none. */
function eventOf(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  const record: unknown = JSON.parse(line);
  return typeof record === 'object' && record !== null && 'event' in record ? record.event : undefined;
}
