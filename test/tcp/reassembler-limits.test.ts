/** Each limit, what the reassembler gives up at the limit, and what an attacker can make it do. */
import { describe, expect, it } from 'vitest';
import { HELD_OVERHEAD_BYTES, MIN_BUFFER_BYTES } from '../../src/tcp/held-bytes.js';
import { MAX_HELD_RANGES } from '../../src/tcp/held-ranges.js';
import { DEFAULT_MAX_OUT_OF_ORDER_BYTES } from '../../src/tcp/reassembler.js';
import { GAP, StreamProbe } from './stream-probe.js';

const begun = (options: ConstructorParameters<typeof StreamProbe>[0], halves = 1): StreamProbe => {
  const probe = new StreamProbe({ halves, ...options });
  for (let half = 0; half < halves; half++) probe.reassembler.begin(half, 0);
  return probe;
};

describe('the out-of-order bytes of a half', () => {
  it('are held up to exactly the limit', () => {
    const probe = begun({ maxOutOfOrderBytes: 8 });
    probe.receive(0, 2, 'cdef');
    probe.receive(0, 8, 'ijkl');
    expect(probe.heard()).toBe('');
    probe.receive(0, 0, 'ab');
    expect(probe.heard()).toBe('abcdef');
  });

  it('past the limit give up the first hole, and the segment takes its place after it', () => {
    const probe = begun({ maxOutOfOrderBytes: 8 });
    probe.receive(0, 2, 'cdef');
    probe.receive(0, 8, 'ijkl');
    probe.receive(0, 13, 'n');
    expect(probe.heard()).toBe(`${GAP}|cdef`);
    expect(probe.reassembler.counters).toMatchObject({ gaps: 1, holesHalfFull: 1 });
    probe.receive(0, 6, 'gh');
    expect(probe.heard()).toBe(`${GAP}|cdefghijkl`);
    probe.receive(0, 12, 'm');
    expect(probe.heard()).toBe(`${GAP}|cdefghijklmn`);
  });

  it('past the limit continue with the segment itself if it precedes the held bytes', () => {
    const probe = begun({ maxOutOfOrderBytes: 4 });
    probe.receive(0, 4, 'efgh');
    probe.receive(0, 2, 'cd');
    expect(probe.heard()).toBe(`${GAP}|cdefgh`);
  });

  it('do not count bytes that are already held', () => {
    const probe = begun({ maxOutOfOrderBytes: 4 });
    probe.receive(0, 2, 'cdef');
    probe.receive(0, 3, 'XXX');
    probe.receive(0, 2, 'XXXX');
    expect(probe.reassembler.counters).toMatchObject({ gaps: 0, duplicates: 2 });
  });

  it('in one segment longer than the limit are read at once', () => {
    const probe = begun({ maxOutOfOrderBytes: 4 });
    probe.receive(0, 2, 'cdefgh');
    expect(probe.heard()).toBe(`${GAP}|cdefgh`);
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it(`are ${DEFAULT_MAX_OUT_OF_ORDER_BYTES} by default`, () => {
    const probe = begun({});
    probe.receive(0, 1, 'x'.repeat(DEFAULT_MAX_OUT_OF_ORDER_BYTES));
    expect(probe.heard()).toBe('');
    probe.receive(0, 1, 'x'.repeat(DEFAULT_MAX_OUT_OF_ORDER_BYTES + 1));
    expect(probe.heard()).toBe(`${GAP}|${'x'.repeat(DEFAULT_MAX_OUT_OF_ORDER_BYTES + 1)}`);
  });
});

describe('the ranges of a half', () => {
  const everyOther = (count: number): StreamProbe => {
    const probe = begun({});
    for (let range = 0; range < count; range++) probe.receive(0, 2 * range + 1, 'x');
    return probe;
  };

  it(`may number ${MAX_HELD_RANGES}`, () => {
    const probe = everyOther(MAX_HELD_RANGES);
    expect(probe.heard()).toBe('');
    for (let hole = 0; hole < MAX_HELD_RANGES; hole++) probe.receive(0, 2 * hole, 'o');
    expect(probe.heard()).toBe('ox'.repeat(MAX_HELD_RANGES));
  });

  it('give up the first hole rather than exceed the limit', () => {
    const probe = everyOther(MAX_HELD_RANGES + 1);
    expect(probe.heard()).toBe(`${GAP}|x`);
    expect(probe.reassembler.counters).toMatchObject({ holesTooManyRanges: 1, gaps: 1 });
  });

  it('can still merge when no further range is allowed', () => {
    const probe = everyOther(MAX_HELD_RANGES);
    probe.receive(0, 2, 'o');
    probe.receive(0, 2 * MAX_HELD_RANGES, 'o');
    expect(probe.reassembler.counters.gaps).toBe(0);
    probe.receive(0, 0, 'o');
    expect(probe.heard()).toBe('oxox');
  });
});

describe('the memory of all halves', () => {
  const ONE_HALF = MIN_BUFFER_BYTES + HELD_OVERHEAD_BYTES;

  it('is reserved with the first held byte and released with the last', () => {
    const probe = begun({});
    expect(probe.reassembler.heldMemory).toBe(0);
    probe.receive(0, 1, 'b');
    expect(probe.reassembler.heldMemory).toBe(ONE_HALF);
    probe.receive(0, 0, 'a');
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it('grows with the held bytes of a half up to the limit', () => {
    const probe = begun({ maxOutOfOrderBytes: 5000 });
    probe.receive(0, 1, 'x'.repeat(MIN_BUFFER_BYTES + 1));
    expect(probe.reassembler.heldMemory).toBe(2 * MIN_BUFFER_BYTES + HELD_OVERHEAD_BYTES);
    probe.receive(0, 1, 'x'.repeat(5000));
    expect(probe.reassembler.heldMemory).toBe(5000 + HELD_OVERHEAD_BYTES);
  });

  it('when exhausted, makes only the half that needs more give up its hole', () => {
    const probe = begun({ maxTotalBytes: 2 * ONE_HALF }, 3);
    probe.receive(0, 1, 'b');
    probe.receive(1, 1, 'b');
    probe.receive(2, 1, 'b');
    expect([probe.heard(0), probe.heard(1), probe.heard(2)]).toEqual(['', '', `${GAP}|b`]);
    expect(probe.reassembler.counters).toMatchObject({ holesAllFull: 1, gaps: 1 });
    expect(probe.reassembler.heldMemory).toBe(2 * ONE_HALF);
  });

  it('when exhausted, makes a half that cannot grow give up a hole and continue with the freed memory', () => {
    const probe = begun({ maxTotalBytes: ONE_HALF });
    probe.receive(0, 1, 'b');
    probe.receive(0, 3, 'x'.repeat(MIN_BUFFER_BYTES));
    expect(probe.heard()).toBe(`${GAP}|b`);
    expect(probe.reassembler.heldMemory).toBe(ONE_HALF);
    probe.receive(0, 2, 'c');
    expect(probe.heard()).toBe(`${GAP}|bc${'x'.repeat(MIN_BUFFER_BYTES)}`);
  });

  it.each([
    {
      name: 'forget',
      end: (probe: StreamProbe) => {
        probe.reassembler.forget(0);
      },
    },
    {
      name: 'begin',
      end: (probe: StreamProbe) => {
        probe.reassembler.begin(0, 9);
      },
    },
    {
      name: 'an acknowledgement',
      end: (probe: StreamProbe) => {
        probe.acknowledge(0, 2);
      },
    },
    {
      name: 'a FIN before the held bytes',
      end: (probe: StreamProbe) => {
        probe.receive(0, 1, '', true);
      },
    },
  ])('is given back by $name', ({ end }) => {
    const probe = begun({});
    probe.receive(0, 1, 'b');
    end(probe);
    expect(probe.reassembler.heldMemory).toBe(0);
  });
});

describe('an attacker', () => {
  const SEGMENTS = 4000;
  const LIMIT = DEFAULT_MAX_OUT_OF_ORDER_BYTES;
  /** Before a segment is held or refused, each range is examined once. Each hole given up removes a range. */
  const RANGES_PER_SEGMENT = 2 * (MAX_HELD_RANGES + 1);
  /** The buffer is compacted once, and its bytes move once to make room. */
  const MOVES_PER_SEGMENT = 2 * LIMIT;

  const ATTACKS: readonly {
    readonly name: string;
    readonly attack: (probe: StreamProbe, n: number) => void;
  }[] = [
    {
      name: 'single bytes with holes between them',
      attack: (probe, n) => {
        probe.receive(0, 2 * n + 1, 'x');
      },
    },
    {
      name: 'single bytes in reverse',
      attack: (probe, n) => {
        probe.receive(0, 1 + LIMIT - (n % LIMIT), 'x');
      },
    },
    {
      name: 'single bytes in front of a full buffer',
      attack: (probe, n) => {
        if (n % 2000 === 0) probe.receive(0, (n + 3000) * 20, 'x'.repeat(LIMIT - 2000));
        probe.receive(0, (n - (n % 2000) + 3000) * 20 - 2 * (n % 2000) - 2, 'x');
      },
    },
    {
      name: 'the same held segment repeatedly',
      attack: (probe) => {
        probe.receive(0, 2, 'x'.repeat(1000));
      },
    },
    {
      name: 'combs of single bytes, each then covered by one segment',
      attack: (probe, n) => {
        const base = Math.floor(n / MAX_HELD_RANGES) * 500 + 1;
        const tooth = n % MAX_HELD_RANGES;
        if (tooth === MAX_HELD_RANGES - 1) probe.receive(0, base, 'y'.repeat(400));
        else probe.receive(0, base + 2 * tooth, 'x');
      },
    },
    {
      name: 'full buffers that each segment gives up',
      attack: (probe, n) => {
        probe.receive(0, n * 300 + 1, 'x'.repeat(299));
      },
    },
  ];

  it.each(ATTACKS)('cannot make segments cost more than a fixed amount: $name', ({ attack }) => {
    const probe = begun({});
    probe.onBytes = () => undefined;
    probe.onGap = () => undefined;
    const { heldWork } = probe.reassembler;
    let bytes = 0;
    for (let n = 0; n < SEGMENTS; n++) {
      const before = heldWork.bytes;
      attack(probe, n);
      bytes = Math.max(bytes, heldWork.bytes - before);
    }
    expect(heldWork.ranges).toBeGreaterThan(0);
    expect(heldWork.ranges).toBeLessThanOrEqual(SEGMENTS * RANGES_PER_SEGMENT);
    expect(bytes).toBeLessThanOrEqual(MOVES_PER_SEGMENT + LIMIT);
  });

  it('costs twice as much with twice the segments', () => {
    const workOf = (segments: number): number => {
      const probe = begun({});
      probe.onBytes = () => undefined;
      probe.onGap = () => undefined;
      for (let n = 0; n < segments; n++) probe.receive(0, 2 * n + 1, 'x');
      return probe.reassembler.heldWork.ranges + probe.reassembler.heldWork.bytes;
    };
    expect(workOf(2 * SEGMENTS) / workOf(SEGMENTS)).toBeLessThan(2.1);
  });
});
