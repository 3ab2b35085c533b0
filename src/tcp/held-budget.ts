/**
 * The limit on out-of-order bytes of all halves together, and the work that holding them has cost.
 *
 * @module
 */

export interface HeldLimits {
  /** Maximum out-of-order bytes of one half. */
  readonly maxHalfBytes: number;
  /** Maximum memory for out-of-order bytes of all halves together, bookkeeping included. */
  readonly maxTotalBytes: number;
}

/** Ranges examined, and bytes copied or moved. */
export interface HeldWork {
  ranges: number;
  bytes: number;
}

export class HeldBudget {
  readonly limits: HeldLimits;
  /** The work caused by out-of-order segments. */
  readonly work: HeldWork = { ranges: 0, bytes: 0 };
  #reserved = 0;

  constructor(limits: HeldLimits) {
    this.limits = limits;
  }

  /** Memory in use, in bytes. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Reserves `bytes` of memory. Returns false and reserves nothing if the limit would be exceeded. */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.limits.maxTotalBytes) return false;
    this.#reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }
}
