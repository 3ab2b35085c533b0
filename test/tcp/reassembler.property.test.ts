import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REACH_BYTES } from '../../src/tcp/half-streams.js';
import type { ReassemblyCounters } from '../../src/tcp/reassembly-counters.js';
import { NaiveReassembler } from './naive-reassembler.js';
import { GAP, StreamProbe } from './stream-probe.js';

const RUNS = 150;
/** Milliseconds; a busy machine takes ten times as long as an idle one. */
const PATIENCE = 60_000;

/** Initial sequence numbers: anything, and often just before the numbers wrap or change sign. */
const initialNumber = fc.oneof(
  fc.nat(2 ** 32 - 1),
  fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 - 1 }),
  fc.integer({ min: 2 ** 31 - 60, max: 2 ** 31 }),
);
/** A different byte each time, so that copies of the same position differ. */
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), maxLength, size: 'max' });

type Step =
  | { readonly kind: 'segment'; readonly offset: number; readonly text: string; readonly fin: boolean }
  | { readonly kind: 'acknowledge' | 'begin' | 'forget'; readonly offset: number };

/** The parameters of a script. */
interface Profile {
  readonly name: string;
  /**
   * Segments at the stream's end, ahead of it, out of reach …; `fin` is the percentage of segments with a
   * FIN.
   */
  readonly weights: Readonly<Record<'near' | 'ahead' | 'acknowledge' | 'far' | 'restart' | 'fin', number>>;
  /** Maximum distance of segments ahead of the stream, and maximum segment length. */
  readonly span: number;
  readonly maxLength: number;
  readonly maxHeld: number;
  /** Counters that all scripts together must have raised; otherwise they did not test their subject. */
  readonly reaches: readonly (keyof ReassemblyCounters)[];
}

const PROFILES: readonly Profile[] = [
  {
    name: 'long segments and little room',
    weights: { near: 4, ahead: 12, acknowledge: 1, far: 0, restart: 0, fin: 2 },
    span: 30,
    maxLength: 12,
    maxHeld: 16,
    reaches: ['heldSegments', 'duplicates', 'afterFin', 'holesHalfFull', 'holesAcknowledged'],
  },
  {
    name: 'single bytes and much room',
    weights: { near: 0, ahead: 30, acknowledge: 0, far: 0, restart: 0, fin: 0 },
    span: 400,
    maxLength: 1,
    maxHeld: 1000,
    reaches: ['heldSegments', 'holesTooManyRanges'],
  },
  {
    name: 'a stream that jumps',
    weights: { near: 1, ahead: 1, acknowledge: 1, far: 60, restart: 0, fin: 2 },
    span: 20,
    maxLength: 4,
    maxHeld: 64,
    reaches: ['strays', 'strayAcknowledgments', 'restarts'],
  },
  {
    name: 'anything',
    weights: { near: 8, ahead: 12, acknowledge: 3, far: 2, restart: 2, fin: 4 },
    span: 90,
    maxLength: 40,
    maxHeld: 64,
    reaches: [
      'heldSegments',
      'duplicates',
      'afterFin',
      'midStreamStarts',
      'holesHalfFull',
      'holesAcknowledged',
    ],
  },
];

/** Offsets are relative to the stream's next byte, so that a script follows the stream. */
function scripts({ weights, span, maxLength }: Profile): fc.Arbitrary<Step[]> {
  const segment = (offset: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
    fc.record({
      kind: fc.constant('segment' as const),
      offset,
      text: text(maxLength),
      fin: fc.nat(99).map((n) => n < weights.fin),
    });
  const signal = (
    kind: 'acknowledge' | 'begin' | 'forget',
    offset: fc.Arbitrary<number>,
  ): fc.Arbitrary<Step> => fc.record({ kind: fc.constant(kind), offset });
  const farOffset = fc.constantFrom(
    -(2 ** 30),
    -REACH_BYTES - 1,
    REACH_BYTES,
    REACH_BYTES + 1,
    2 ** 29,
    2 ** 30,
  );
  return fc.array(
    fc.oneof(
      { weight: weights.near, arbitrary: segment(fc.integer({ min: -8, max: 4 })) },
      { weight: weights.ahead, arbitrary: segment(fc.integer({ min: 1, max: span })) },
      { weight: weights.acknowledge, arbitrary: signal('acknowledge', fc.integer({ min: -4, max: span })) },
      {
        weight: weights.far,
        arbitrary: fc.oneof(segment(farOffset), segment(farOffset), signal('acknowledge', farOffset)),
      },
      { weight: weights.restart, arbitrary: signal('begin', fc.constantFrom(0, 5, -3, 2 ** 28)) },
      { weight: weights.restart, arbitrary: signal('forget', fc.constant(0)) },
    ),
    { minLength: 1, maxLength: 90, size: 'max' },
  );
}

function perform(step: Step, position: number, probe: StreamProbe, twin: NaiveReassembler): void {
  switch (step.kind) {
    case 'segment':
      probe.receive(0, position, step.text, step.fin);
      twin.receive(position, step.text, step.fin);
      break;
    case 'acknowledge':
      probe.acknowledge(0, position);
      twin.acknowledge(position);
      break;
    case 'begin':
      probe.reassembler.begin(0, position >>> 0);
      twin.begin(position);
      break;
    case 'forget':
      probe.reassembler.forget(0);
      twin.forget();
      break;
  }
}

describe('the reassembler agrees with one that keeps a map of bytes', () => {
  it.each(PROFILES)(
    '$name',
    (profile) => {
      const reached = new Set<string>();
      fc.assert(
        fc.property(initialNumber, scripts(profile), (initial, script) => {
          const probe = new StreamProbe({ maxOutOfOrderBytes: profile.maxHeld });
          const twin = new NaiveReassembler(profile.maxHeld);
          probe.reassembler.begin(0, initial);
          twin.begin(initial);
          for (const step of script) perform(step, (twin.next ?? initial) + step.offset, probe, twin);
          expect(probe.trace.join(' ')).toBe(twin.trace.join(' '));
          for (const [name, count] of Object.entries(probe.reassembler.counters))
            if (count > 0) reached.add(name);
        }),
        { numRuns: RUNS },
      );
      expect([...reached]).toEqual(expect.arrayContaining([...profile.reaches]));
    },
    PATIENCE,
  );
});

describe('a stream of which every byte finally arrives', () => {
  /** Cuts, the rank by which each piece is sent, and the pieces that are sent twice. */
  const journeys = fc.record({
    initial: initialNumber,
    length: fc.integer({ min: 1, max: 400 }),
    cuts: fc.array(fc.nat(399), { maxLength: 20, size: 'max' }),
    recuts: fc.array(fc.nat(399), { maxLength: 8, size: 'max' }),
    ranks: fc.array(fc.nat(1000), { minLength: 31, maxLength: 31 }),
  });

  interface Piece {
    readonly from: number;
    readonly to: number;
  }
  const pieces = (length: number, cuts: readonly number[]): Piece[] => {
    const edges = [...new Set([0, ...cuts.filter((cut) => cut < length), length])].sort((a, b) => a - b);
    return edges.slice(1).map((to, at) => ({ from: edges[at] ?? 0, to }));
  };
  const inTransit = ({
    length,
    cuts,
    recuts,
    ranks,
  }: typeof journeys extends fc.Arbitrary<infer J> ? J : never) =>
    [...pieces(length, cuts), ...pieces(length, recuts)]
      .map((piece, at) => ({ ...piece, rank: ranks[at] ?? 0 }))
      .sort((one, other) => one.rank - other.rank);
  const letter = (position: number): string => String.fromCharCode(97 + (position % 26));

  it(
    'is read whole and without a gap in any order of segments',
    () => {
      fc.assert(
        fc.property(journeys, (journey) => {
          const probe = new StreamProbe();
          const whole = Array.from({ length: journey.length }, (_, at) => letter(at)).join('');
          probe.reassembler.begin(0, journey.initial);
          for (const { from, to } of inTransit(journey)) {
            probe.receive(0, journey.initial + from, whole.slice(from, to), to === whole.length);
          }
          expect(probe.heard()).toBe(whole);
          expect(probe.reassembler.heldMemory).toBe(0);
          expect(probe.reassembler.next(0)).toBe((journey.initial + whole.length + 1) >>> 0);
        }),
        { numRuns: RUNS },
      );
    },
    PATIENCE,
  );

  it(
    'has at each position the byte that arrived first',
    () => {
      fc.assert(
        fc.property(journeys, (journey) => {
          const probe = new StreamProbe();
          const first = new Array<string>(journey.length).fill('');
          probe.reassembler.begin(0, journey.initial);
          for (const [copy, { from, to }] of inTransit(journey).entries()) {
            const bytes = letter(copy).repeat(to - from);
            for (let at = from; at < to; at++) first[at] ||= letter(copy);
            probe.receive(0, journey.initial + from, bytes);
          }
          expect(probe.heard()).toBe(first.join(''));
        }),
        { numRuns: RUNS },
      );
    },
    PATIENCE,
  );

  it('continues after a loss as soon as the receiver has acknowledged it', () => {
    fc.assert(
      fc.property(journeys, fc.nat(30), (journey, lost) => {
        const probe = new StreamProbe();
        const all = pieces(journey.length, journey.cuts);
        const missing = all[lost % all.length] ?? { from: 0, to: 0 };
        probe.reassembler.begin(0, journey.initial);
        for (const { from, to } of all) {
          if (from !== missing.from) probe.receive(0, journey.initial + from, letter(from).repeat(to - from));
        }
        probe.acknowledge(0, journey.initial + journey.length);
        probe.receive(0, journey.initial + journey.length, 'PORT');
        const heard = probe.heard().split('|');
        expect(heard.filter((stretch) => stretch === GAP)).toHaveLength(1);
        expect(heard.at(-1)).toMatch(/PORT$/);
        expect(heard.join('').length - GAP.length).toBe(journey.length - (missing.to - missing.from) + 4);
      }),
    );
  });
});
