import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBudget } from '../../src/tcp/held-budget.js';
import { HeldBytes, MIN_BUFFER_BYTES } from '../../src/tcp/held-bytes.js';
import { MAX_HELD_RANGES } from '../../src/tcp/held-ranges.js';

const store = (limits: Partial<HeldBudget['limits']> = {}): HeldBytes =>
  new HeldBytes(new HeldBudget({ maxHalfBytes: 1000, maxTotalBytes: 1_000_000, ...limits }));

/** Holds bytes, then overwrites the segment that they came in. */
function hold(held: HeldBytes, sequence: number, text: string): string {
  const segment = Buffer.from(text, 'latin1');
  const outcome = held.hold(sequence >>> 0, segment);
  segment.fill(0x21);
  return outcome;
}

/** Removes all ranges and returns each as `number:bytes`. */
function contents(held: HeldBytes): string[] {
  const ranges: string[] = [];
  while (held.bytes > 0) {
    const { front } = held;
    const { bytes, start, end } = held.takeFront();
    ranges.push(`${front}:${bytes.toString('latin1', start, end)}`);
  }
  return ranges;
}

describe('held bytes', () => {
  it.each([
    {
      name: 'apart stay apart',
      segments: [
        [10, 'ab'],
        [20, 'cd'],
      ],
      ranges: ['10:ab', '20:cd'],
    },
    {
      name: 'are in order regardless of arrival',
      segments: [
        [20, 'cd'],
        [10, 'ab'],
      ],
      ranges: ['10:ab', '20:cd'],
    },
    {
      name: 'that touch at the end merge',
      segments: [
        [10, 'ab'],
        [12, 'cd'],
      ],
      ranges: ['10:abcd'],
    },
    {
      name: 'that touch at the beginning merge',
      segments: [
        [12, 'cd'],
        [10, 'ab'],
      ],
      ranges: ['10:abcd'],
    },
    {
      name: 'keep the first copy at the end',
      segments: [
        [10, 'abc'],
        [11, 'XXd'],
      ],
      ranges: ['10:abcd'],
    },
    {
      name: 'keep the first copy at the beginning',
      segments: [
        [11, 'bcd'],
        [10, 'aXX'],
      ],
      ranges: ['10:abcd'],
    },
    {
      name: 'keep the first copy in the middle',
      segments: [
        [12, 'c'],
        [10, 'abXde'],
      ],
      ranges: ['10:abcde'],
    },
    {
      name: 'fill several holes at once',
      segments: [
        [11, 'b'],
        [14, 'e'],
        [16, 'g'],
        [30, 'z'],
        [10, 'aXcdXfX'],
      ],
      ranges: ['10:abcdefg', '30:z'],
    },
    {
      name: 'move the bytes behind them',
      segments: [
        [20, 'yz'],
        [10, 'ab'],
        [15, 'm'],
      ],
      ranges: ['10:ab', '15:m', '20:yz'],
    },
    {
      name: 'lie across the wrap',
      segments: [
        [0, 'cd'],
        [2 ** 32 - 2, 'ab'],
        [5, 'z'],
      ],
      ranges: ['4294967294:abcd', '5:z'],
    },
  ] as const)('$name', ({ segments, ranges }) => {
    const held = store();
    for (const [sequence, text] of segments) expect(hold(held, sequence, text)).toBe('held');
    expect(contents(held)).toEqual(ranges);
  });

  it('report a segment that is already held', () => {
    const held = store();
    hold(held, 10, 'abcd');
    expect(hold(held, 11, 'XX')).toBe('duplicate');
    expect(contents(held)).toEqual(['10:abcd']);
  });

  it.each([
    { sequence: 9, ranges: [] },
    { sequence: 10, ranges: [] },
    { sequence: 11, ranges: ['10:a'] },
    { sequence: 12, ranges: ['10:ab'] },
    { sequence: 20, ranges: ['10:ab'] },
    { sequence: 21, ranges: ['10:ab', '20:c'] },
    { sequence: 30, ranges: ['10:ab', '20:cd'] },
  ])('cut off at $sequence', ({ sequence, ranges }) => {
    const held = store();
    hold(held, 10, 'ab');
    hold(held, 20, 'cd');
    held.truncate(sequence);
    hold(held, 40, 'z');
    expect(contents(held)).toEqual([...ranges, '40:z']);
  });

  it('accept more after some were removed and some truncated', () => {
    const held = store({ maxHalfBytes: 6 });
    hold(held, 10, 'abc');
    hold(held, 20, 'def');
    held.takeFront();
    held.truncate(22);
    expect(hold(held, 30, 'ghij')).toBe('held');
    expect(contents(held)).toEqual(['20:de', '30:ghij']);
  });
});

describe('held bytes that outgrow their buffer', () => {
  it('are the bytes that were not removed', () => {
    const held = store({ maxHalfBytes: 16_384 });
    const long = 'x'.repeat(2 * MIN_BUFFER_BYTES);
    hold(held, 10, 'abc');
    hold(held, 20, 'def');
    held.takeFront();
    expect(hold(held, 30, long)).toBe('held');
    expect(contents(held)).toEqual(['20:def', `30:${long}`]);
  });
});

describe('a refused segment changes nothing', () => {
  it.each([
    { refusal: 'half-full', ranges: 10, limits: { maxHalfBytes: 64 }, text: 'x'.repeat(60) },
    {
      refusal: 'all-full',
      ranges: 10,
      limits: { maxHalfBytes: 16_384, maxTotalBytes: 4096 },
      text: 'x'.repeat(4000),
    },
    { refusal: 'too-many-ranges', ranges: MAX_HELD_RANGES, limits: {}, text: 'x' },
  ])('$refusal', ({ refusal, ranges, limits, text }) => {
    const held = store(limits);
    const teeth = Array.from({ length: ranges }, (_, tooth) => 10 * tooth + 5000);
    for (const sequence of teeth) hold(held, sequence, 'a');
    const { bytes } = held;
    expect(hold(held, 100, text)).toBe(refusal);
    expect(held.bytes).toBe(bytes);
    expect(contents(held)).toEqual(teeth.map((sequence) => `${sequence}:a`));
  });
});

describe('held bytes and a map from sequence number to byte', () => {
  const SPAN = 80;
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    minLength: 1,
    maxLength: 24,
  });
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ offset: fc.nat(SPAN), text }) },
    { weight: 1, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.record({ truncate: fc.nat(SPAN + 24) }) },
  );

  it('agree', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.array(step, { maxLength: 40 }), (base, steps) => {
        const held = store({ maxHalfBytes: 60 });
        const twin = new Map<number, string>();
        for (const each of steps) {
          if (each === 'take') takeBoth(held, twin, base);
          else if ('truncate' in each) {
            held.truncate((base + each.truncate) >>> 0);
            for (const offset of [...twin.keys()]) if (offset >= each.truncate) twin.delete(offset);
          } else holdBoth(held, twin, base, each.offset, each.text);
          expect(held.bytes).toBe(twin.size);
        }
        while (twin.size > 0) takeBoth(held, twin, base);
        expect(held.bytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  function holdBoth(
    held: HeldBytes,
    twin: Map<number, string>,
    base: number,
    offset: number,
    bytes: string,
  ): void {
    const fresh = Array.from(bytes)
      .map((byte, at) => [offset + at, byte] as const)
      .filter(([at]) => !twin.has(at));
    const outcome = hold(held, base + offset, bytes);
    expect(outcome).toBe(
      fresh.length === 0 ? 'duplicate' : twin.size + fresh.length > 60 ? 'half-full' : 'held',
    );
    if (outcome === 'held') for (const [at, byte] of fresh) twin.set(at, byte);
  }

  function takeBoth(held: HeldBytes, twin: Map<number, string>, base: number): void {
    if (twin.size === 0) return;
    let offset = Math.min(...twin.keys());
    expect(held.front).toBe((base + offset) >>> 0);
    let expected = '';
    for (let byte = twin.get(offset); byte !== undefined; byte = twin.get(offset)) {
      expected += byte;
      twin.delete(offset);
      offset++;
    }
    const { bytes, start, end } = held.takeFront();
    expect(bytes.toString('latin1', start, end)).toBe(expected);
  }
});
