/**
 * A reassembler with a sink that records its callbacks, and a slab that is overwritten after every call,
 * which exposes code that keeps borrowed bytes.
 */
import { Reassembler, type ByteSink, type ReassemblerOptions } from '../../src/tcp/reassembler.js';

export const GAP = '<gap>';
const POISON = 0x21;
const SLAB_BYTES = 256 * 1024;

/** A recorded byte: its sequence number and its value. */
export const tracedByte = (sequence: number, byte: string): string => `${sequence >>> 0}${byte}`;

export class StreamProbe implements ByteSink {
  readonly reassembler: Reassembler;
  /** The callbacks of each half: the bytes of one stretch in one string, `GAP` between stretches. */
  readonly #heard = new Map<number, string[]>();
  /** All bytes, one by one. */
  readonly trace: string[] = [];
  /** Called after each recorded callback. */
  react: (half: number, news: string) => void = () => undefined;
  readonly #slab = Buffer.alloc(SLAB_BYTES, POISON);
  #next = 0;

  constructor(options: Partial<ReassemblerOptions> = {}) {
    this.reassembler = new Reassembler({ halves: 4, ...options }, this);
  }

  heard(half = 0): string {
    return (this.#heard.get(half) ?? []).join('|');
  }

  /** Passes a segment whose bytes lie somewhere in the slab. */
  receive(half: number, sequence: number, text: string, fin = false): void {
    const start = this.#next % 7;
    this.#next++;
    const end = start + this.#slab.write(text, start, 'latin1');
    this.reassembler.receive(half, sequence >>> 0, this.#slab, start, end, fin);
    this.#slab.fill(POISON, start, end);
  }

  acknowledge(half: number, acknowledgment: number): void {
    this.reassembler.acknowledge(half, acknowledgment >>> 0);
  }

  onBytes(half: number, bytes: Buffer, start: number, end: number, sequence: number): void {
    if (end <= start) throw new RangeError('the sink was told of no bytes');
    const text = bytes.toString('latin1', start, end);
    for (let at = 0; at < text.length; at++) this.trace.push(tracedByte(sequence + at, text.charAt(at)));
    const heard = this.#heard.get(half) ?? [];
    const last = heard.at(-1);
    if (last === undefined || last === GAP) heard.push(text);
    else heard[heard.length - 1] = last + text;
    this.#heard.set(half, heard);
    this.react(half, text);
  }

  onGap(half: number): void {
    this.trace.push(GAP);
    this.#heard.set(half, [...(this.#heard.get(half) ?? []), GAP]);
    this.react(half, GAP);
  }
}
