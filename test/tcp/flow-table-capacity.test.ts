/** How the table behaves when full, after long use, and with tuples chosen to collide. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_FLOW_CAPACITY, FlowTable } from '../../src/tcp/flow-table.js';
import { halfSipHash } from '../../src/tcp/half-sip-hash.js';
import { TupleKey } from '../../src/tcp/tuple-key.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';
import { findInPacket, nthTuple } from './tuples.js';

/** Milliseconds; a busy machine takes ten times as long as an idle one. */
const PATIENCE = 60_000;
const ignore = (): undefined => undefined;

const addNth = (flows: FlowTable, n: number): number => flows.add(nthTuple(n), invertTuple(nthTuple(n)), n);

/**
 * At half load, the probability of a walk of n slots falls by a constant factor per slot, so the longest of
 * a million slots stays near 40. A hash that spreads badly shows hundreds.
 */
const LONGEST_WALK = 120;

describe('a table of 262,144 flows', () => {
  it(
    'finds each flow by both tuples, evicts to admit more, and is empty after all are removed',
    () => {
      const flows = new FlowTable({ seed: 7, onEvict: ignore });
      const more = 1000;
      expect(flows.capacity).toBe(262_144);
      for (let n = 0; n < DEFAULT_FLOW_CAPACITY; n++) addNth(flows, n);
      expect(flows.size).toBe(DEFAULT_FLOW_CAPACITY);
      expect(flows.longestRun()).toBeLessThan(LONGEST_WALK);
      for (let n = 0; n < more; n++) addNth(flows, DEFAULT_FLOW_CAPACITY + n);
      expect(flows.evictions).toBe(more);
      const missed: number[] = [];
      for (let n = 0; n < DEFAULT_FLOW_CAPACITY + more; n++) {
        const [half, otherHalf] = [
          findInPacket(flows, nthTuple(n)),
          flows.findTuple(invertTuple(nthTuple(n))),
        ];
        const expected = n < more ? half === -1 && otherHalf === -1 : half >= 0 && otherHalf === half + 1;
        if (!expected) missed.push(n);
      }
      expect(missed).toEqual([]);
      flows.expire(Infinity);
      expect(flows.size).toBe(0);
      expect(flows.longestRun()).toBe(0);
    },
    PATIENCE,
  );
});

describe('growing', () => {
  it('keeps the order of halves with equal keys, as in a connection to itself', () => {
    const flows = new FlowTable({ capacity: 4096, seed: 3, onEvict: ignore });
    const found: number[] = [];
    for (let n = 0; n < 4096; n++) flows.add(nthTuple(n), nthTuple(n), n);
    for (let n = 0; n < 4096; n++) found.push(flows.findTuple(nthTuple(n)));
    expect(found).toEqual(found.map((_, n) => n * 2));
    for (const flow of [...flows.flows()]) flows.remove(flow);
    expect(flows.longestRun()).toBe(0);
  });
});

describe('long use', () => {
  it(
    'does not lengthen walks: after 100 generations of flows they are as short as in a new table',
    () => {
      const capacity = 1024;
      const flows = new FlowTable({ capacity, seed: 11, onEvict: ignore });
      const longest: number[] = [];
      for (let n = 0; n < 100 * capacity; n++) {
        addNth(flows, n);
        if (n % capacity === capacity - 1) longest.push(flows.longestRun());
      }
      expect(flows.size).toBe(capacity);
      expect(Math.max(...longest)).toBeLessThan(LONGEST_WALK);
      for (const flow of [...flows.flows()]) flows.remove(flow);
      expect(flows.longestRun()).toBe(0);
    },
    PATIENCE,
  );
});

describe('tuples chosen to collide', () => {
  const CAPACITY = 512;
  const COLLIDING = 200;
  const KNOWN_SEED = 42;

  const hashOf = (n: number): number => {
    const key = new TupleKey();
    key.readTuple(nthTuple(n));
    return halfSipHash(key.words, 0, key.count, KNOWN_SEED, 0);
  };

  /** About 80,000 tuples contain two of them. */
  function tuplesOfOneHash(): readonly [Tuple, Tuple] {
    const seen = new Map<number, number>();
    for (let n = 0; ; n++) {
      const hash = hashOf(n);
      const earlier = seen.get(hash);
      if (earlier !== undefined) return [nthTuple(earlier), nthTuple(n)];
      seen.set(hash, n);
    }
  }

  /** Returns tuples whose home is one of the first eight slots under the seed that the attacker guessed. */
  function collidingTuples(): Tuple[] {
    const key = new TupleKey();
    const found: Tuple[] = [];
    for (let n = 0; found.length < COLLIDING; n++) {
      key.readTuple(nthTuple(n));
      if ((halfSipHash(key.words, 0, key.count, KNOWN_SEED, 0) & (4 * CAPACITY - 1)) < 8)
        found.push(nthTuple(n));
    }
    return found;
  }

  it('in all 32 bits of the hash are still distinguished', () => {
    const [one, other] = tuplesOfOneHash();
    const flows = new FlowTable({ capacity: CAPACITY, seed: KNOWN_SEED, onEvict: ignore });
    const flow = flows.add(one, invertTuple(one), 0);
    expect(flows.findTuple(other)).toBe(-1);
    const otherFlow = flows.add(other, invertTuple(other), 0);
    expect([flows.findTuple(one), flows.findTuple(other)]).toEqual([flow * 2, otherFlow * 2]);
    flows.remove(flow);
    expect([flows.findTuple(one), flows.findTuple(other)]).toEqual([-1, otherFlow * 2]);
  });

  const longestWith = (seed: number, tuples: readonly Tuple[]): number => {
    const flows = new FlowTable({ capacity: CAPACITY, seed, onEvict: ignore });
    for (const each of tuples) flows.add(each, invertTuple(each), 0);
    return flows.longestRun();
  };

  it('collide only under the seed for which they were chosen', () => {
    const tuples = collidingTuples();
    expect(longestWith(KNOWN_SEED, tuples)).toBeGreaterThanOrEqual(COLLIDING);
    for (const seed of [0, KNOWN_SEED + 1, KNOWN_SEED + 2 ** 32, 2 ** 52]) {
      expect(longestWith(seed, tuples)).toBeLessThan(COLLIDING / 4);
    }
  });
});
