/**
 * How many lines a second may be logged because of packets: whoever sends packets must not be able to fill the disk, nor to
 * keep us busy with logging. What is left out is counted, and the count is logged.
 *
 * @module
 */
export class LogBudget {
  readonly #linesPerSecond: number;
  /** The second that is under way, and the lines logged in it. */
  #second = 0;
  #lines = 0;
  #suppressed = 0;
  /** Lines left out since the start. */
  suppressedInAll = 0;

  constructor(linesPerSecond: number) {
    this.#linesPerSecond = linesPerSecond;
  }

  /**
   * Whether a line may be logged.
   *
   * @param now  seconds; a clock that was set back begins another second
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

  /** Lines that were left out since this was last asked, once the second in which they were is over. */
  settle(now: number): number {
    if (this.#suppressed === 0 || Math.floor(now) === this.#second) return 0;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
