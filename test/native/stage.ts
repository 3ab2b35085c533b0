/**
 * Where the addon is tried: a network namespace of its own, and child processes inside it that play scenarios.
 * A scenario that crashes, hangs or never ends is then a failed test, not the end of the test run.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { describeEnding, type Command, type Completed } from '../lab/command.js';
import { Namespace } from '../lab/namespace.js';
import { ANSWER_MARK } from './scenarios/perform.js';

export interface PlayOptions {
  /** Handed to the scenario. */
  readonly argument?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** A command that starts the one given to it, `unshare --user`. */
  readonly launcher?: readonly string[];
  readonly deadlineMs?: number;
}

export class Stage {
  readonly namespace: Namespace;

  private constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** A namespace with its loopback up and these iptables rules, each without the leading `iptables`. */
  static async build(rules: readonly string[] = []): Promise<Stage> {
    const stage = new Stage(await Namespace.create('native'));
    for (const rule of rules) await stage.iptables(rule);
    return stage;
  }

  async iptables(rule: string): Promise<string> {
    return this.namespace.runChecked(['iptables', ...rule.split(' ')]);
  }

  /** Packets that rules with `comment` have counted in the filter table. */
  async packetsCounted(comment: string): Promise<number> {
    const rules = await this.namespace.runChecked(['iptables-save', '-c', '-t', 'filter']);
    const line = rules.split('\n').find((rule) => rule.includes(`--comment ${comment} `));
    const packets = /^\[(\d+):/.exec(line ?? '')?.[1];
    if (packets === undefined) throw new Error(`no rule has the comment ${comment}:\n${rules}`);
    return Number(packets);
  }

  /** Packets that wait in `queue` for their verdict; `undefined` where nobody has bound it. */
  async packetsWaiting(queue: number): Promise<number | undefined> {
    const queues = await this.namespace.runChecked(['cat', '/proc/net/netfilter/nfnetlink_queue']);
    const rows = queues.split('\n').map((line) => line.trim().split(/\s+/));
    const row = rows.find((columns) => columns[0] === String(queue));
    return row?.[2] === undefined ? undefined : Number(row[2]);
  }

  /** Plays a scenario of `scenarios/FILE.ts` and answers what it returned; throws where the process failed. */
  async play<Answer>(file: string, scenario: string, options: PlayOptions = {}): Promise<Answer> {
    const completed = await this.playToEnd(file, scenario, options);
    const answer = completed.stdout.split('\n').find((line) => line.startsWith(ANSWER_MARK));
    if (completed.status !== 0 || answer === undefined) throw new Error(describeEnding(completed));
    return JSON.parse(answer.slice(ANSWER_MARK.length)) as Answer;
  }

  /** Plays it and answers how its process ended, however that was. */
  async playToEnd(file: string, scenario: string, options: PlayOptions = {}): Promise<Completed> {
    const program = fileURLToPath(new URL(`scenarios/${file}.ts`, import.meta.url));
    const command: Command = [
      ...((options.launcher ?? []) as Command),
      process.execPath,
      ...['--expose-gc', '--import', 'tsx', ...(options.nodeOptions ?? [])],
      ...[program, scenario, JSON.stringify(options.argument ?? null)],
    ];
    return this.namespace.run(command, {
      deadlineMs: options.deadlineMs ?? 50_000,
      ...(options.env === undefined ? {} : { env: options.env }),
    });
  }

  async remove(): Promise<void> {
    await this.namespace.remove();
  }
}
