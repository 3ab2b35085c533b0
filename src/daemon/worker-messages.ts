/**
 * What the main thread and its workers say to each other. A worker reads one queue; the main thread has the log, the
 * signals and the counters of all.
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
  /** Lines of its log with so many characters have been taken. */
  | { readonly kind: 'taken'; readonly characters: number };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** A line of the log, with its line end. */
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'counters'; readonly counters: Counters }
  /** Why it ends. */
  | { readonly kind: 'failed'; readonly error: ErrorMessage };
