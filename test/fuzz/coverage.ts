/**
 * Which blocks of our sources ran, and how often: V8's own precise coverage, which needs no instrumented build and counts
 * exactly. Only code that was loaded after the start is seen block by block: start first, then import.
 *
 * @module
 */
import { Session, type Profiler } from 'node:inspector';

/** A block, `FILE:FUNCTION:START-END`, and how often it ran since the last look. */
export type BlockCounts = ReadonlyMap<string, number>;

export class Coverage {
  readonly #session = new Session();
  readonly #folder: string;

  /** @param folder  sources whose path has this part are looked at: `/src/` */
  constructor(folder: string) {
    this.#folder = folder;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that ran since the last call; those of functions that did not run are not there. */
  take(): BlockCounts {
    const counts = new Map<string, number>();
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    for (const { url, functions } of result) {
      if (!url.includes(this.#folder)) continue;
      for (const { functionName, ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) counts.set(`${url}:${functionName}:${startOffset}-${endOffset}`, count);
        }
      }
    }
    return counts;
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** The session answers at once, before `post` returns. */
  #post(method: string, parameters?: object): unknown {
    let answer: { readonly error: Error | null; readonly value?: unknown } | undefined;
    this.#session.post(method, parameters, (error, value) => {
      answer = { error, value };
    });
    if (answer === undefined) throw new Error(`${method} was not answered at once`);
    if (answer.error !== null) throw answer.error;
    return answer.value;
  }
}
