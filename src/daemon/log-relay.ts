/**
 * Passes the log lines of a worker to the main thread, which writes the log. The queue of messages between threads has
 * no limit, so at most `capacity` characters are in flight. Lines beyond that are dropped and counted, like lines that
 * the reader of the log is too slow for.
 *
 * @module
 */
export interface LogRelayOptions {
  /** Characters that may be in flight. */
  readonly capacity: number;
  /** Sends a line to the main thread, which replies with `taken`. */
  readonly post: (line: string) => void;
  /** Called with the number of dropped lines once lines can be sent again. */
  readonly onLosses: (lines: number) => void;
}

export class LogRelay {
  readonly #options: LogRelayOptions;
  #inFlight = 0;
  #unreported = 0;

  constructor(options: LogRelayOptions) {
    this.#options = options;
  }

  /** Takes one line, including its line feed. */
  write(line: string): void {
    if (this.#inFlight + line.length > this.#options.capacity) {
      this.#unreported++;
      return;
    }
    this.#inFlight += line.length;
    this.#options.post(line);
  }

  /** The main thread has taken lines of this many characters in all. */
  taken(characters: number): void {
    this.#inFlight -= characters;
    // Then there is also room for the line that reports the loss.
    if (this.#inFlight <= this.#options.capacity / 2) this.#reportLosses();
  }

  /** No more lines will be taken: reports the dropped lines now, whatever is in flight. */
  end(): void {
    this.#inFlight = 0;
    this.#reportLosses();
  }

  #reportLosses(): void {
    const lines = this.#unreported;
    if (lines === 0) return;
    this.#unreported = 0;
    this.#options.onLosses(lines);
  }
}
