/**
 * The lab of the addon's tests: a network namespace, and child processes inside it that run scenarios. A scenario
 * that crashes, hangs or never ends then fails its test instead of ending the test run.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { describeEnding, type Command, type Completed } from '../lab/command.js';
import { Namespace } from '../lab/namespace.js';
import { ANSWER_MARK } from './scenarios/perform.js';

export interface RunOptions {
  /** Passed to the scenario. */
  readonly argument?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** A command that runs the rest of the command line, `unshare --user`. */
  readonly launcher?: readonly string[];
  readonly deadlineMs?: number;
}

export class AddonLab {
  readonly namespace: Namespace;

  private constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** Creates a namespace with its loopback up and these iptables rules, each without the leading `iptables`. */
  static async build(rules: readonly string[] = []): Promise<AddonLab> {
    const lab = new AddonLab(await Namespace.create('native'));
    for (const rule of rules) await lab.iptables(rule);
    return lab;
  }

  async iptables(rule: string): Promise<string> {
    return this.namespace.runChecked(['iptables', ...rule.split(' ')]);
  }

  /** Packets counted by the filter rule with `comment`. */
  async packetsCounted(comment: string): Promise<number> {
    const rules = await this.namespace.runChecked(['iptables-save', '-c', '-t', 'filter']);
    const line = rules.split('\n').find((rule) => rule.includes(`--comment ${comment} `));
    const packets = /^\[(\d+):/.exec(line ?? '')?.[1];
    if (packets === undefined) throw new Error(`no rule has the comment ${comment}:\n${rules}`);
    return Number(packets);
  }

  /** Packets that wait in `queue` for their verdict; `undefined` if the queue is not bound. */
  async packetsWaiting(queue: number): Promise<number | undefined> {
    const queues = await this.namespace.runChecked(['cat', '/proc/net/netfilter/nfnetlink_queue']);
    const rows = queues.split('\n').map((line) => line.trim().split(/\s+/));
    const row = rows.find((columns) => columns[0] === String(queue));
    return row?.[2] === undefined ? undefined : Number(row[2]);
  }

  /** Runs a scenario of `scenarios/FILE.ts` and returns its result; throws if the process failed. */
  async run<Answer>(file: string, scenario: string, options: RunOptions = {}): Promise<Answer> {
    const completed = await this.runToEnd(file, scenario, options);
    const answer = completed.stdout.split('\n').find((line) => line.startsWith(ANSWER_MARK));
    if (completed.status !== 0 || answer === undefined) throw new Error(describeEnding(completed));
    return JSON.parse(answer.slice(ANSWER_MARK.length)) as Answer;
  }

  /** Runs it and returns how its process ended, without judging it. */
  async runToEnd(file: string, scenario: string, options: RunOptions = {}): Promise<Completed> {
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
