/**
 * Mutates inputs: a few small changes at a time, so that most of an input stays valid.
 *
 * @module
 */
import type { Random } from './random.js';
import type { Target } from './target.js';

/** Numbers at which lengths and counts overflow. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 19, 20, 31, 32, 63, 64, 127, 128, 254, 255] as const;
const WIDE_EDGES = [
  0, 1, 4, 0xff, 0x100, 0x7fff, 0x8000, 0xfffc, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
] as const;
const MOST_CHANGES = 6;

type Change = (input: Buffer, random: Random, others: readonly Buffer[], words: readonly Buffer[]) => Buffer;

const splice = (input: Buffer, from: number, to: number, between: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, from), between, input.subarray(to)]);

/** A range of `bytes`, short ones more often than long ones. */
function stretch(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const longest = random.oneIn(4) ? bytes.length : 16;
  return [from, Math.min(bytes.length, from + random.between(1, longest + 1))];
}

const CHANGES: readonly Change[] = [
  function flipsABit(input, random) {
    const at = random.below(input.length);
    if (at < input.length) input[at] = (input[at] ?? 0) ^ (1 << random.below(8));
    return input;
  },
  function setsAByte(input, random) {
    const at = random.below(input.length);
    if (at < input.length) input[at] = random.oneIn(2) ? random.pick(EDGES) : random.below(256);
    return input;
  },
  function countsUpOrDown(input, random) {
    const at = random.below(input.length);
    if (at < input.length) input[at] = ((input[at] ?? 0) + random.between(-4, 4)) & 0xff;
    return input;
  },
  function setsANumber(input, random) {
    const wide = random.oneIn(2);
    const at = random.below(input.length);
    if (at + (wide ? 4 : 2) > input.length) return input;
    const value = random.pick(WIDE_EDGES);
    if (wide) {
      if (random.oneIn(2)) input.writeUInt32BE(value, at);
      else input.writeUInt32LE(value, at);
    } else if (random.oneIn(2)) input.writeUInt16BE(value & 0xffff, at);
    else input.writeUInt16LE(value & 0xffff, at);
    return input;
  },
  function removes(input, random) {
    return splice(input, ...stretch(input, random), Buffer.alloc(0));
  },
  function repeats(input, random) {
    const [from, to] = stretch(input, random);
    const at = random.below(input.length + 1);
    return splice(input, at, at, input.subarray(from, to));
  },
  function putsInAWord(input, random, _others, words) {
    if (words.length === 0) return input;
    const word = random.pick(words);
    const at = random.below(input.length + 1);
    return splice(input, at, random.oneIn(2) ? at : Math.min(input.length, at + word.length), word);
  },
  function putsInAnother(input, random, others) {
    const other = random.pick(others);
    const [from, to] = stretch(other, random);
    return splice(input, ...stretch(input, random), other.subarray(from, to));
  },
  function goesOnAsAnother(input, random, others) {
    const other = random.pick(others);
    const at = random.below(input.length + 1);
    return splice(
      input,
      at,
      input.length,
      other.subarray(random.oneIn(2) ? at : random.below(other.length + 1)),
    );
  },
  function fills(input, random) {
    const [from, to] = stretch(input, random);
    return input.fill(random.oneIn(2) ? random.pick(EDGES) : random.below(256), from, to);
  },
  function cuts(input, random) {
    return input.subarray(0, random.below(input.length + 1));
  },
];

/** Returns a slightly changed copy of one element of `pool`. */
export function mutate(target: Target, pool: readonly Buffer[], random: Random): Buffer {
  let input = Buffer.from(random.pick(pool));
  for (let left = random.between(1, MOST_CHANGES); left > 0; left--) {
    input = Buffer.from(random.pick(CHANGES)(input, random, pool, target.words));
    if (input.length > target.maxLength) input = input.subarray(0, target.maxLength);
  }
  return Buffer.from(input);
}
