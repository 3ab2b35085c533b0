/**
 * What all halves together may hold out of order, and what holding has cost so far.
 *
 * @module
 */

export interface HeldLimits {
  /** Out-of-order bytes of one half. */
  readonly maxHalfBytes: number;
  /** Memory for out-of-order bytes of all halves together, bookkeeping included. */
  readonly maxTotalBytes: number;
}

/** Ranges looked at, and bytes copied or moved. */
export interface HeldWork {
  ranges: number;
  bytes: number;
}

export class HeldBudget {
  readonly limits: HeldLimits;
  /** The work that out-of-order segments have caused. */
  readonly work: HeldWork = { ranges: 0, bytes: 0 };
  #reserved = 0;

  constructor(limits: HeldLimits) {
    this.limits = limits;
  }

  /** Bytes of memory in use. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Takes `bytes` of memory, or nothing and answers false where the limit forbids it. */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.limits.maxTotalBytes) return false;
    this.#reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }
}
