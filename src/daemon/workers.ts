/**
 * The workers of a daemon: each reads its own queue in its own thread.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import type { Log } from './logger.js';
import type { RunOptions } from './settings.js';
import type { Counters } from './queue-reader.js';
import { SupervisedWorker, sumOf } from './supervised-worker.js';
import type { WorkerThread } from './worker-life.js';
import type { WorkerStart } from './worker-messages.js';

export class Workers {
  readonly #workers: readonly SupervisedWorker[];

  constructor(options: RunOptions, { logger, write }: Pick<Log, 'logger' | 'write'>) {
    this.#workers = Array.from({ length: options.workers }, (_, at) => {
      const worker = at + 1;
      const spawn = (): WorkerThread => spawnWorker({ worker, options });
      return new SupervisedWorker({ worker, queue: options.queue + at, spawn, logger, write });
    });
  }

  /** Returns the sums over all workers. */
  get counters(): Counters {
    return sumOf(this.#workers.map((worker) => worker.counters));
  }

  /** Resolves when all workers read their queues. Throws the first failure; the caller must still stop the others. */
  async start(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }
}

/** The path is the same from `src/daemon` and from the bundle in `dist/cli`. */
const spawnWorker = (start: WorkerStart): WorkerThread =>
  new Worker(new URL('../daemon/worker-main.js', import.meta.url), { workerData: start });
