/**
 * Restarts a worker after it has died; meanwhile the kernel forwards the packets of its queue. It never gives up; the
 * delay before a restart grows while the worker keeps dying early.
 *
 * @module
 */
import type { Logger } from 'pino';
import { ConntrackFtpError } from '../errors.js';
import type { Counters } from './queue-reader.js';
import { WorkerLife, type WorkerThread } from './worker-life.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A thread that lived this long died of something new: the delay starts over. */
const LASTING_MS = 60_000;
/** The current batch takes far less. */
const END_WITHIN_MS = 2_000;

export interface SupervisedWorkerParts {
  /** From 1. */
  readonly worker: number;
  /** NFQUEUE number. */
  readonly queue: number;
  readonly spawn: () => WorkerThread;
  readonly logger: Logger;
  /** Writes a log line of the worker. */
  readonly write: (line: string) => void;
}

export class SupervisedWorker {
  readonly #parts: SupervisedWorkerParts;
  #ending = false;
  /** Ends the pause before the next start. */
  #wake: (() => void) | undefined;
  /** Counters of the earlier threads. */
  #past: Counters = {};
  #life: WorkerLife | undefined;
  #kept: Promise<void> | undefined;

  constructor(parts: SupervisedWorkerParts) {
    this.#parts = parts;
  }

  /** Counters since the start; for a thread that died, the last ones that it reported. */
  get counters(): Counters {
    return sumOf([this.#past, this.#life?.counters ?? {}]);
  }

  /** Resolves when the worker reads its queue. If the worker ends before that, throws the cause. */
  async start(): Promise<void> {
    const life = this.#begin();
    if (!(await life.ready)) throw await life.ended;
    this.#kept = this.#keep(life);
  }

  /** Ends the worker for good. */
  async stop(): Promise<void> {
    this.#ending = true;
    this.#wake?.();
    await this.#life?.stop(END_WITHIN_MS);
    await this.#kept;
  }

  #begin(): WorkerLife {
    this.#past = this.counters;
    this.#life = new WorkerLife(this.#parts);
    return this.#life;
  }

  async #keep(first: WorkerLife): Promise<void> {
    const { worker, queue, logger } = this.#parts;
    let pauseMs = FIRST_PAUSE_MS;
    for (let life = first; ; life = this.#begin()) {
      const begun = performance.now();
      if (life !== first && (await life.ready)) {
        logger.info(
          { event: 'worker-restarted', worker, queue },
          `worker ${worker} reads queue ${queue} again`,
        );
      }
      const cause = await life.ended;
      if (performance.now() - begun > LASTING_MS) pauseMs = FIRST_PAUSE_MS;
      if (this.#isEnding()) return;
      this.#report(cause);
      await this.#pause(pauseMs);
      if (this.#isEnding()) return;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** A method, because the value changes during an `await`. */
  #isEnding(): boolean {
    return this.#ending;
  }

  async #pause(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
  }

  #report(cause: Error): void {
    const { worker, queue, logger } = this.#parts;
    const facts = { event: 'worker-died', worker, queue, cause: cause.message };
    // Any other error is a bug or a lack of memory: log its stack.
    const where = cause instanceof ConntrackFtpError ? {} : { err: cause };
    logger.error(
      { ...facts, ...where },
      `worker ${worker} died, queue ${queue} is not read until it restarts: ${cause.message}`,
    );
  }
}

/** Adds up counters of the same name. */
export function sumOf(all: readonly Counters[]): Counters {
  const sum: Record<string, number> = {};
  for (const counters of all) {
    for (const [name, count] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}
