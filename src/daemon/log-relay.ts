/**
 * A worker's way to the log, which the main thread writes. Messages between threads wait without a bound, so no more is
 * sent than is held back in the main thread for `capacity` characters; lines beyond it are lost and counted, as those are
 * that the log's reader does not take.
 *
 * @module
 */
export interface LogRelayOptions {
  /** Characters that may be under way. */
  readonly capacity: number;
  /** Hands a line to the main thread, which answers with `taken`. */
  readonly post: (line: string) => void;
  /** Lines can be sent again after so many were lost. */
  readonly onLosses: (lines: number) => void;
}

export class LogRelay {
  readonly #options: LogRelayOptions;
  #underWay = 0;
  #untold = 0;

  constructor(options: LogRelayOptions) {
    this.#options = options;
  }

  /** Takes a line with its line end. */
  write(line: string): void {
    if (this.#underWay + line.length > this.#options.capacity) {
      this.#untold++;
      return;
    }
    this.#underWay += line.length;
    this.#options.post(line);
  }

  /** The main thread has taken lines with so many characters. */
  taken(characters: number): void {
    this.#underWay -= characters;
    // Then there is room for the line that tells it as well.
    if (this.#underWay <= this.#options.capacity / 2) this.#tellLosses();
  }

  /** Nothing more will be taken: what was lost is told now, whatever is under way. */
  end(): void {
    this.#underWay = 0;
    this.#tellLosses();
  }

  #tellLosses(): void {
    const lines = this.#untold;
    if (lines === 0) return;
    this.#untold = 0;
    this.#options.onLosses(lines);
  }
}
