/**
 * One worker thread from its start to its end: whether it became ready, its counters, and why it ended.
 *
 * @module
 */
import { fromMessage } from './error-message.js';
import type { Counters } from './queue-reader.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/** The part of a `Worker` of `node:worker_threads` that is used. */
export interface WorkerThread {
  postMessage(message: ToWorker): void;
  terminate(): Promise<number>;
  on(event: 'message', listener: (message: FromWorker) => void): unknown;
  on(event: 'error', listener: (thrown: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export interface WorkerLifeParts {
  /** Starts the thread. */
  readonly spawn: () => WorkerThread;
  /** Writes a log line of the thread. */
  readonly write: (line: string) => void;
}

export class WorkerLife {
  /** The last counters that the thread reported. */
  counters: Counters = {};
  /** True once the thread reads its queue; false if it ended before that. */
  readonly ready: Promise<boolean>;
  /** Why the thread ended. */
  readonly ended: Promise<Error>;
  readonly #thread: WorkerThread | undefined;
  #cause: Error | undefined;

  constructor({ spawn, write }: WorkerLifeParts) {
    let thread: WorkerThread | undefined;
    try {
      thread = spawn();
    } catch (thrown) {
      this.#cause = asError(thrown);
    }
    this.#thread = thread;
    this.ended = new Promise((resolve) => {
      if (thread === undefined) resolve(this.#causeOfEnd(0));
      thread?.on('exit', (code) => {
        resolve(this.#causeOfEnd(code));
      });
    });
    this.ready = Promise.race([
      new Promise<true>((resolve) => {
        thread?.on('message', (message) => {
          if (message.kind === 'ready') resolve(true);
          else this.#onMessage(message, write);
        });
      }),
      this.ended.then(() => false),
    ]);
    thread?.on('error', (thrown) => {
      this.#cause ??= asError(thrown);
    });
  }

  #causeOfEnd(code: number): Error {
    return this.#cause ?? new Error(`the thread ended with exit code ${code}`);
  }

  /** Asks the thread to end and resolves when it has ended. Terminates it after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.#thread?.postMessage({ kind: 'stop' });
    const deadline = setTimeout(() => void this.#thread?.terminate(), patienceMs);
    await this.ended;
    clearTimeout(deadline);
  }

  #onMessage(message: Exclude<FromWorker, { kind: 'ready' }>, write: (line: string) => void): void {
    switch (message.kind) {
      case 'log':
        write(message.line);
        this.#thread?.postMessage({ kind: 'taken', characters: message.line.length });
        break;
      case 'counters':
        this.counters = message.counters;
        break;
      case 'failed':
        this.#cause ??= fromMessage(message.error);
        break;
    }
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
