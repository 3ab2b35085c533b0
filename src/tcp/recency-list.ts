/**
 * Items 0 to capacity - 1 ordered by last use: a doubly linked list in two typed arrays. Every operation is
 * O(1). The caller must know which items are in the list; the list does not check.
 *
 * @module
 */

/** Node 0 closes the ring: it follows the newest node and precedes the oldest. Item n is node n + 1. */
const RING = 0;

export class RecencyList {
  readonly #newer: Int32Array;
  readonly #older: Int32Array;

  constructor(capacity: number) {
    this.#newer = new Int32Array(capacity + 1);
    this.#older = new Int32Array(capacity + 1);
  }

  /** The least recently used item; -1 if the list is empty. */
  get oldest(): number {
    return this.newerThan(RING - 1);
  }

  /** Returns the next more recently used item after `item`; -1 after the newest. */
  newerThan(item: number): number {
    return (this.#newer[item + 1] ?? RING) - 1;
  }

  /** Adds an item, which must not be in the list, as the newest. */
  add(item: number): void {
    const node = item + 1;
    const newest = this.#older[RING] ?? RING;
    this.#newer[newest] = node;
    this.#older[node] = newest;
    this.#newer[node] = RING;
    this.#older[RING] = node;
  }

  /** Removes an item, which must be in the list. */
  remove(item: number): void {
    const newer = this.#newer[item + 1] ?? RING;
    const older = this.#older[item + 1] ?? RING;
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  /** Makes an item, which must be in the list, the newest. */
  renew(item: number): void {
    if (this.#older[RING] === item + 1) return;
    this.remove(item);
    this.add(item);
  }
}
