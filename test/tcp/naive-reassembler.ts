/**
 * Reference implementation of the reassembler: byte by byte in a map, at positions that do not wrap. Slow
 * and short.
 */
import { REACH_BYTES, STRAYS_TO_RESTART } from '../../src/tcp/half-streams.js';
import { MAX_HELD_RANGES } from '../../src/tcp/held-ranges.js';
import { GAP, tracedByte } from './stream-probe.js';

export class NaiveReassembler {
  readonly trace: string[] = [];
  /** Position of the first unread byte; undefined before the stream begins. */
  next: number | undefined;
  #acknowledged = 0;
  #fin = Infinity;
  #strays = 0;
  readonly #held = new Map<number, string>();
  readonly #maxHeld: number;

  constructor(maxHeld: number) {
    this.#maxHeld = maxHeld;
  }

  begin(position: number): void {
    this.forget();
    this.next = position;
    this.#acknowledged = position;
  }

  forget(): void {
    this.next = undefined;
    this.#fin = Infinity;
    this.#strays = 0;
    this.#held.clear();
  }

  receive(position: number, text: string, fin: boolean): void {
    if (text === '' && !fin) return;
    if (!this.#isHere(position, text)) return;
    const next = this.next ?? position;
    if (fin && this.#fin === Infinity && position + text.length >= next) {
      this.#fin = position + text.length;
      for (const held of [...this.#held.keys()]) if (held >= this.#fin) this.#held.delete(held);
    }
    this.#take(position, text);
  }

  acknowledge(position: number): void {
    if (this.next === undefined || position - this.next > REACH_BYTES) return;
    this.#acknowledged = Math.max(this.#acknowledged, position);
    while (this.#held.size > 0 && this.#firstHeld() <= this.#acknowledged) this.#giveUp(this.#firstHeld());
  }

  #isHere(position: number, text: string): boolean {
    if (this.next !== undefined) {
      if (Math.abs(position - this.next) <= REACH_BYTES) {
        this.#strays = 0;
        return true;
      }
      this.#strays = Math.min(this.#strays + 1, STRAYS_TO_RESTART);
      if (this.#strays < STRAYS_TO_RESTART) return false;
    }
    if (text === '') return false;
    this.begin(position);
    this.trace.push(GAP);
    return true;
  }

  #take(position: number, text: string): void {
    for (;;) {
      const next = this.next ?? position;
      const fresh = Array.from(text)
        .map((byte, at) => [position + at, byte] as const)
        .filter(([at]) => at >= next && at < this.#fin && !this.#held.has(at));
      if (fresh.length === 0) return;
      if (position <= next || this.#canHold(position, fresh)) {
        for (const [at, byte] of fresh) this.#held.set(at, byte);
        this.#drain();
        return;
      }
      this.#giveUp(Math.min(position, this.#firstHeld()));
    }
  }

  #canHold(position: number, fresh: readonly (readonly [number, string])[]): boolean {
    if (this.#acknowledged >= position) return false;
    if (this.#held.size + fresh.length > this.#maxHeld) return false;
    const positions = new Set([...this.#held.keys(), ...fresh.map(([at]) => at)]);
    const ranges = [...positions].filter((at) => !positions.has(at - 1)).length;
    return ranges <= MAX_HELD_RANGES;
  }

  #firstHeld(): number {
    return Math.min(...this.#held.keys());
  }

  #giveUp(next: number): void {
    this.trace.push(GAP);
    this.next = next;
    this.#drain();
  }

  #drain(): void {
    let next = this.next ?? 0;
    for (let byte = this.#held.get(next); byte !== undefined; byte = this.#held.get(next)) {
      this.trace.push(tracedByte(next, byte));
      this.#held.delete(next);
      next++;
    }
    this.next = next;
  }
}
