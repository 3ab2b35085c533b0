/**
 * The messages between the main thread and its workers. A worker reads one queue; the main thread owns the log, the
 * signals and the counters of all workers.
 *
 * @module
 */
import type { ErrorMessage } from './error-message.js';
import type { RunOptions } from './settings.js';
import type { Counters } from './queue-reader.js';

/** What a worker is started with (`workerData`). */
export interface WorkerStart {
  /** From 1, as in the connmarks of its connections. */
  readonly worker: number;
  readonly options: RunOptions;
}

export type ToWorker =
  | { readonly kind: 'stop' }
  /** The main thread has taken log lines of this many characters in all. */
  | { readonly kind: 'taken'; readonly characters: number };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** A log line, including its line feed. */
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'counters'; readonly counters: Counters }
  /** Why the worker ends. */
  | { readonly kind: 'failed'; readonly error: ErrorMessage };
