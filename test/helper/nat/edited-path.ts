/**
 * A sender, a receiver, and between them our edits and the kernel's adjustment: everything that may lose, cut, repeat and reorder segments, under the control of a test.
 *
 * @module
 */
import { sequenceAdd, sequenceDistance } from '../../../src/tcp/sequence.js';
import { StreamEdits, type StreamEdit } from '../../../src/helper/nat/stream-edits.js';
import { acknowledged, forwarded } from './kernel-adjustment.js';

/** An edit by offsets in the sender's stream. */
export interface PlannedEdit {
  readonly from: number;
  readonly to: number;
  readonly replacement: Uint8Array;
}

export class EditedPath {
  readonly received: number[] = [];
  /** Bytes that the receiver has ahead of a hole, by offset in its stream. */
  readonly #ahead = new Map<number, number>();
  readonly #edits: StreamEdits;
  readonly #isn: number;
  /** Bytes of payload that the receiver's path takes. */
  readonly #room: number;
  readonly #stream: Uint8Array;
  readonly #planned: PlannedEdit[];
  /** Offset in the sender's stream up to which the path has read. */
  #read = 0;
  readonly #seen = new Set<number>();
  /** The sender's first unacknowledged byte. */
  acknowledged = 0;
  withheld = 0;

  constructor(stream: Uint8Array, planned: readonly PlannedEdit[], isn: number, room = Infinity) {
    this.#stream = stream;
    this.#room = room;
    this.#planned = [...planned];
    this.#isn = isn;
    this.#edits = new StreamEdits(isn);
  }

  /** What the receiver must have in the end. */
  static edited(stream: Uint8Array, planned: readonly PlannedEdit[]): number[] {
    const bytes: number[] = [];
    let at = 0;
    for (const { from, to, replacement } of planned) {
      bytes.push(...stream.subarray(at, from), ...replacement);
      at = to;
    }
    return [...bytes, ...stream.subarray(at)];
  }

  /** The sender sends a part of its stream, of which the receiver takes the first `taken` bytes, behind us. */
  send(from: number, to: number, taken = Infinity): void {
    this.#readOn(from, to);
    const [unfinished] = this.#planned;
    const sequence = sequenceAdd(this.#isn, from);
    // What may belong to an announcement that is not read to its end is not known to be an edit yet.
    const known = unfinished === undefined ? to : Math.min(to, unfinished.from);
    const treatment = known > from ? this.#edits.judge(sequence, known - from, this.#room) : undefined;
    if (treatment?.kind !== 'forward') {
      this.withheld++;
      return;
    }
    this.#edits.commit(treatment);
    const bytes = this.#rewritten(this.#offset(treatment.from), this.#offset(treatment.to), treatment.edits);
    this.#receive(forwarded(this.#edits.adjustment, treatment.sequence), bytes.slice(0, taken));
  }

  /** The receiver acknowledges what it has; we may see it, and the sender may. */
  acknowledge(seenByUs: boolean, seenBySender: boolean): void {
    const acknowledgment = sequenceAdd(this.#isn, this.received.length);
    const senders = acknowledged(this.#edits.adjustment, acknowledgment);
    if (seenByUs) this.#edits.acknowledge(senders);
    if (seenBySender) this.acknowledged = Math.max(this.acknowledged, this.#offset(senders));
  }

  /** A new edit is known when the last byte of its range has been read. */
  #readOn(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#seen.add(at);
    while (this.#seen.has(this.#read)) this.#read++;
    for (let next = this.#planned[0]; next !== undefined && next.to <= this.#read; next = this.#planned[0]) {
      const edit = {
        start: sequenceAdd(this.#isn, next.from),
        end: sequenceAdd(this.#isn, next.to),
        replacement: next.replacement,
      };
      if (!this.#edits.add(edit)) return;
      this.#planned.shift();
    }
  }

  #rewritten(from: number, to: number, edits: readonly StreamEdit[]): number[] {
    const local = edits.map(({ start, end, replacement }) => ({
      from: this.#offset(start) - from,
      to: this.#offset(end) - from,
      replacement,
    }));
    return EditedPath.edited(this.#stream.subarray(from, to), local);
  }

  #offset(sequence: number): number {
    return sequenceDistance(this.#isn, sequence);
  }

  #receive(sequence: number, bytes: readonly number[]): void {
    const at = this.#offset(sequence);
    bytes.forEach((byte, index) => {
      if (!this.#ahead.has(at + index)) this.#ahead.set(at + index, byte);
    });
    for (let byte = this.#ahead.get(this.received.length); byte !== undefined;) {
      this.received.push(byte);
      byte = this.#ahead.get(this.received.length);
    }
  }
}
