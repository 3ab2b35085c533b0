/**
 * A child process inside a network namespace that runs src/kernel for a test: Node cannot move itself into another
 * namespace. On request, the agent runs without CAP_NET_ADMIN.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Command } from '../lab/command.js';
import { labEnvironment } from '../lab/environment.js';
import type { Namespace } from '../lab/namespace.js';
import type { AgentOperations } from './agent-operations.js';

export interface AgentQuestion {
  readonly id: number;
  readonly operation: keyof AgentOperations;
  readonly args: readonly unknown[];
}

export type AgentAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: Record<string, unknown> };

const MAIN = fileURLToPath(new URL('agent-main.ts', import.meta.url));
const WITHOUT_NET_ADMIN = ['--bounding-set=-net_admin', '--inh-caps=-net_admin'];

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Agent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: AgentAnswer) => {
      this.#resolve(answer);
    });
    child.once('exit', (status, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the agent ended with ${status ?? signal ?? 'nothing'} before it answered`));
      }
    });
  }

  static async start(
    namespace: Namespace,
    options: { readonly netAdmin: boolean } = { netAdmin: true },
  ): Promise<Agent> {
    const node: Command = [process.execPath, '--import', 'tsx', MAIN];
    const command: Command = options.netAdmin ? node : ['setpriv', ...WITHOUT_NET_ADMIN, ...node];
    const [program, ...args] = namespace.enter(command);
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: labEnvironment(),
    });
    await once(child, 'spawn');
    return new Agent(child);
  }

  /** Runs an operation in the agent. Errors are rethrown here with the same fields. */
  async ask<Name extends keyof AgentOperations>(
    operation: Name,
    ...args: Parameters<AgentOperations[Name]>
  ): Promise<Awaited<ReturnType<AgentOperations[Name]>>> {
    this.#asked += 1;
    const question: AgentQuestion = { id: this.#asked, operation, args };
    const value = await new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(question.id, { resolve, reject });
      this.#child.send(question);
    });
    return value as Awaited<ReturnType<AgentOperations[Name]>>;
  }

  /** Ends the process; the kernel releases everything it held. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #resolve(answer: AgentAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.value);
    else waiting?.reject(Object.assign(new Error('the agent failed'), answer.error));
  }
}
