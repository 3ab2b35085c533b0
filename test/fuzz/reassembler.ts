/**
 * Compares the reassembler with the naive one of its property test: both must agree on any segments,
 * acknowledgments and restarts.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { MAX_HELD_RANGES } from '../../src/tcp/held-ranges.js';
import { REACH_BYTES } from '../../src/tcp/half-streams.js';
import { NaiveReassembler } from '../tcp/naive-reassembler.js';
import { StreamProbe } from '../tcp/stream-probe.js';
import { Random } from './random.js';
import type { Target } from './target.js';

/** Where streams begin: anywhere, and before the numbers wrap or change sign. */
const INITIAL_NUMBERS = [0, 1000, 2 ** 31 - 50, 2 ** 32 - 50, 2 ** 32 - 1] as const;
const MOST_HELD = [4, 16, 64, 1000, 16_384] as const;
const FAR = [-(2 ** 30), -REACH_BYTES - 1, REACH_BYTES, REACH_BYTES + 1, 2 ** 29, 2 ** 30] as const;
const HEADER_LENGTH = 2;
const STEP_LENGTH = 4;
const STEPS = 200;

export const reassemblerTarget = (): Target => ({
  name: 'reassembler',
  corpus: Array.from({ length: 40 }, (_, seed) => anyScript(new Random(seed))),
  words: [],
  maxLength: HEADER_LENGTH + STEPS * STEP_LENGTH,
  run(input) {
    const maxHeld = MOST_HELD[(input[0] ?? 0) % MOST_HELD.length] ?? 16;
    const initial = INITIAL_NUMBERS[(input[1] ?? 0) % INITIAL_NUMBERS.length] ?? 0;
    const probe = new StreamProbe({ maxOutOfOrderBytes: maxHeld });
    const twin = new NaiveReassembler(maxHeld);
    const { reassembler } = probe;
    reassembler.begin(0, initial);
    twin.begin(initial);
    for (let at = HEADER_LENGTH; at + STEP_LENGTH <= input.length; at += STEP_LENGTH) {
      const before = { ...reassembler.heldWork };
      perform(input, at, twin.next ?? initial, probe, twin);
      const { ranges, bytes } = reassembler.heldWork;
      assert.ok(ranges - before.ranges <= (MAX_HELD_RANGES + 1) ** 2);
      assert.ok(
        bytes - before.bytes <= 3 * (maxHeld + 255),
        'a segment moves what is held once, and is copied once',
      );
    }
    assert.equal(probe.trace.join(' '), twin.trace.join(' '));
    assert.equal(reassembler.next(0) === undefined, twin.next === undefined);
    reassembler.forget(0);
    assert.equal(reassembler.heldMemory, 0);
  },
});

const anyScript = (random: Random): Buffer =>
  Buffer.from(
    Uint8Array.from({ length: HEADER_LENGTH + random.between(10, STEPS) * STEP_LENGTH }, () =>
      random.below(256),
    ),
  );

/** A step: what it is and whether it ends the stream, an offset from the stream's next byte, a length. */
function perform(input: Buffer, at: number, next: number, probe: StreamProbe, twin: NaiveReassembler): void {
  const step = input.readUInt8(at);
  const offset = input.readInt8(at + 1);
  const wide = input.readInt8(at + 2);
  const length = input.readUInt8(at + 3);
  const fin = step >= 0xf8;
  // Mostly the likely offset, so that a stream is mostly plausible.
  switch (step % 16) {
    case 0:
      probe.acknowledge(0, next + offset);
      twin.acknowledge(next + offset);
      break;
    case 1:
      begin(next + (offset < 100 ? 0 : FAR[0]), probe, twin);
      break;
    case 2:
      if (offset > 100) forget(probe, twin);
      break;
    case 3:
      segment(next + (FAR[length % FAR.length] ?? 0), length % 4, at, fin, probe, twin);
      break;
    case 4:
    case 5:
      segment(next + wide * 4, length % 60, at, fin, probe, twin);
      break;
    case 6:
      segment(next + Math.abs(wide) * 3, 1, at, fin, probe, twin);
      break;
    case 7:
      segment(next + offset, length, at, fin, probe, twin);
      break;
    default:
      segment(next + (offset % 30), length % 12, at, fin, probe, twin);
  }
}

function segment(
  position: number,
  length: number,
  step: number,
  fin: boolean,
  probe: StreamProbe,
  twin: NaiveReassembler,
): void {
  // Different bytes in each step, so that copies of the same position differ.
  const letters = Array.from({ length }, (_, index) => String.fromCharCode(97 + ((step * 7 + index) % 26)));
  probe.receive(0, position, letters.join(''), fin);
  twin.receive(position, letters.join(''), fin);
}

function begin(position: number, probe: StreamProbe, twin: NaiveReassembler): void {
  probe.reassembler.begin(0, position >>> 0);
  twin.begin(position);
}

function forget(probe: StreamProbe, twin: NaiveReassembler): void {
  probe.reassembler.forget(0);
  twin.forget();
}
