/**
 * Limits the log lines per second that packets cause: a sender of packets must not be able to fill the disk or to keep
 * the daemon busy with logging. Suppressed lines are counted, and the count is logged.
 *
 * @module
 */
export class LogBudget {
  readonly #linesPerSecond: number;
  /** The current second, and the lines logged in it. */
  #second = 0;
  #lines = 0;
  #suppressed = 0;
  /** Lines suppressed since the start. */
  suppressedInAll = 0;

  constructor(linesPerSecond: number) {
    this.#linesPerSecond = linesPerSecond;
  }

  /**
   * Returns whether a line may be logged.
   *
   * @param now  seconds; a clock that was set back starts a new second
   */
  take(now: number): boolean {
    const second = Math.floor(now);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines < this.#linesPerSecond) {
      this.#lines++;
      return true;
    }
    this.#suppressed++;
    this.suppressedInAll++;
    return false;
  }

  /** Returns the lines suppressed since the last call; 0 until the second in which they were suppressed is over. */
  takeSuppressed(now: number): number {
    if (this.#suppressed === 0 || Math.floor(now) === this.#second) return 0;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
