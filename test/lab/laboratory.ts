/**
 * The resources of one test: namespaces, processes and a temporary folder. `close` releases them, and so does the end of
 * our process by a signal or an error.
 *
 * @module
 */
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command } from './command.js';
import { Namespace, sweepLeftovers } from './namespace.js';
import type { RunningProcess, RunningProcessOptions } from './running-process.js';

const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class Laboratory {
  /** A folder of this test only; unprivileged servers can read it. */
  readonly folder: string;
  readonly #namespaces: Namespace[] = [];
  readonly #processes: RunningProcess[] = [];
  readonly #onExit = (): void => {
    this.#abandon();
  };
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#abandon();
    process.kill(process.pid, signal);
  };

  constructor() {
    sweepLeftovers();
    this.folder = makeReadableFolder(join(temporaryFolder(), `cftp-${process.pid}-`));
    process.once('exit', this.#onExit);
    for (const signal of FATAL_SIGNALS) process.once(signal, this.#onSignal);
  }

  async namespace(label: string): Promise<Namespace> {
    const namespace = await Namespace.create(label);
    this.#namespaces.push(namespace);
    return namespace;
  }

  /** Starts a program inside `namespace` that ends with the test at the latest. */
  async start(
    namespace: Namespace,
    command: Command,
    options?: RunningProcessOptions,
  ): Promise<RunningProcess> {
    const running = await namespace.spawn(command, options);
    this.#processes.push(running);
    return running;
  }

  /** Makes a new folder in the experiment's own; its name begins with `label`. */
  makeFolder(label: string): string {
    return makeReadableFolder(join(this.folder, `${label}-`));
  }

  /** Ends the processes, then removes the namespaces and the folder. */
  async close(): Promise<void> {
    try {
      const running = this.#processes.splice(0).filter((one) => !one.hasEnded);
      for (const one of running) one.killNow();
      // The sessions of a server hold its output open. They end with the namespace, and only then has the server ended.
      await Promise.all(this.#namespaces.splice(0).map((namespace) => namespace.remove()));
      await Promise.all(running.map((one) => one.ended));
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
      process.off('exit', this.#onExit);
      for (const signal of FATAL_SIGNALS) process.off(signal, this.#onSignal);
    }
  }

  #abandon(): void {
    for (const running of this.#processes.splice(0)) running.killNow();
    for (const namespace of this.#namespaces.splice(0)) namespace.removeNow();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The user's temporary folder, unless servers without privileges cannot get into it: libpam-tmpdir closes it to others. */
function temporaryFolder(): string {
  const others = 0o001;
  for (let folder = tmpdir(); folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & others) === 0) return '/tmp';
  }
  return tmpdir();
}

function makeReadableFolder(prefix: string): string {
  const folder = mkdtempSync(prefix);
  chmodSync(folder, 0o755);
  return folder;
}
