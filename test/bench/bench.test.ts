/** The benchmark: its arithmetic, its tables and charts, and that its trials in memory work and measure what they say. No figure is judged here. */
import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { newHelper } from './bench-helper.js';
import { capturedPackets, DialogueLap } from './dialogue.js';
import { chartOf } from './chart.js';
import { LINE_STREAMS, pieces, READERS } from './scanner.js';
import { type Machine, jsonOf, tableOf } from './report.js';
import { MIXES } from './core.js';
import { chartedColumn, loadPart, PARTS, requireComplete, takeTurns } from './run-trials.js';
import { concludeFrom, median, medianRatio, quantile, spread } from './results.js';
import type { Comparison } from './trial.js';

/** Enough to go once through everything. */
const TINY = 0.0005;
const PATIENCE = 120_000;
const IN_MEMORY = ['core', 'scanner', 'scale'];

// As `--expose-gc` does for a process of the benchmark.
setFlagsFromString('--expose-gc');
globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;

const comparison: Comparison = {
  name: 'reading',
  title: 'Packets read',
  columns: {
    rate: { title: 'packets', unit: 'million/s', decimals: 1, compared: true },
    drops: { title: 'drops', unit: '' },
  },
  trials: [
    { name: 'ours', against: 'theirs', measure: () => ({ rate: 4, drops: 0 }) },
    { name: 'theirs', measure: () => ({ rate: 2 }) },
  ],
  goals: [
    { trial: 'ours', column: 'rate', over: 'theirs', atLeast: 2.5 },
    { trial: 'ours', column: 'drops', atMost: 0 },
  ],
};

const machine: Machine = {
  cores: 2,
  processor: 'any',
  kernel: '6',
  node: '20',
  commit: 'c',
  dirty: false,
  load: 0,
};

describe('the statistics', () => {
  it('take the middle of an odd number, and between the two of an even one', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('take the value that a part of them is below', () => {
    expect(quantile([50, 10, 40, 20, 30], 0.2)).toBe(20);
    expect(quantile([3, 1], 0.1)).toBe(1);
    expect(quantile([3, 1], 1)).toBe(3);
    expect(quantile([], 0.1)).toBeNaN();
  });

  it('tell how far the runs lie apart', () => {
    expect(spread([90, 100, 120])).toBeCloseTo(0.3);
    expect(spread([0, 0])).toBe(0);
    expect(spread([])).toBeNaN();
  });

  it('take the ratio of each run, so that a slow time of both does not count', () => {
    expect(medianRatio([4, 2, 40], [2, 1, 10])).toBe(2);
    expect(medianRatio([4, undefined, 8], [2, 1, undefined])).toBe(2);
    expect(medianRatio([undefined], [1])).toBeNaN();
  });
});

describe('a comparison', () => {
  it('has its trials take turns, run after run', async () => {
    const order: string[] = [];
    const measure = (trial: string): Promise<undefined> => {
      order.push(trial);
      return Promise.resolve(undefined);
    };
    await takeTurns(comparison, 2, measure, () => undefined);
    expect(order).toEqual(['ours', 'theirs', 'ours', 'theirs']);
  });

  it('prints medians, spread and ratios, failures and goals', () => {
    const result = concludeFrom(comparison, {
      ours: [
        { rate: 4000, drops: 0 },
        { rate: 4400, drops: 0 },
      ],
      theirs: [{ rate: 2000 }, undefined],
    });
    expect(tableOf(result).split('\n')).toEqual([
      'Packets read',
      '',
      '                   packets, million/s  drops',
      'ours                4,200.0 ±5% ×2.00  0 ±0%',
      'theirs (1 failed)         2,000.0 ±0%      –',
      'missed   ours, packets, million/s, over theirs: 2.00, at least 2.50',
      'reached  ours, drops: 0, at most 0',
      '',
    ]);
  });

  it('tells what a trial has more than another in the same run', () => {
    const column = { title: 'time', unit: 'µs', compared: true };
    const timed: Comparison = {
      ...comparison,
      columns: { time: column, more: { ...column, title: 'added', added: { column: 'time', over: 'bare' } } },
      trials: [
        { name: 'bare', measure: () => ({}) },
        { name: 'theirs', measure: () => ({}) },
        { name: 'ours', against: 'theirs', measure: () => ({}) },
      ],
      goals: [{ trial: 'ours', column: 'more', over: 'theirs', atMost: 2 }],
    };
    const { rows, verdicts } = concludeFrom(timed, {
      bare: [{ time: 10 }, { time: 110 }, undefined],
      theirs: [{ time: 14 }, { time: 114 }, { time: 14 }],
      ours: [{ time: 22 }, { time: 122 }, { time: 22 }],
    });
    expect(rows.map(({ cells }) => cells['more']?.median)).toEqual([undefined, 4, 12]);
    expect(verdicts).toMatchObject([{ reached: 3, met: false }]);
  });

  it('is written as JSON with every run', () => {
    const runs = { ours: [{ rate: 4, drops: 0 }], theirs: [undefined] };
    const text = jsonOf(machine, new Date(0), { queue: [concludeFrom(comparison, runs)] });
    expect(JSON.parse(text)).toMatchObject({
      date: '1970-01-01T00:00:00.000Z',
      machine: { cores: 2 },
      parts: [{ part: 'queue', comparisons: [{ name: 'reading', runs: { ours: [{ rate: 4 }] } }] }],
    });
  });

  it('adds only to what it has', () => {
    const over = (column: string, trial: string): Comparison => ({
      ...comparison,
      columns: { ...comparison.columns, more: { title: '', unit: '', added: { column, over: trial } } },
    });
    expect(() => {
      requireComplete(over('rate', 'nobody'));
    }).toThrow('nobody');
    expect(() => {
      requireComplete(over('speed', 'theirs'));
    }).toThrow('speed');
  });

  it('compares only with what it has', () => {
    const [ours] = comparison.trials;
    const alone = { ...comparison, trials: ours === undefined ? [] : [ours] };
    expect(() => {
      requireComplete(alone);
    }).toThrow('theirs');
    expect(() => {
      requireComplete(comparison);
    }).not.toThrow();
  });
});

describe('the chart', () => {
  const named = { ...comparison, title: 'A < B & "C" > D', goals: [] };
  const runs = { ours: [{ rate: 30 }, { rate: 50 }, { rate: 40 }], theirs: [{ rate: 10 }] };
  const draw = (): string =>
    chartOf([{ result: concludeFrom(named, runs), column: 'rate' }], machine, new Date(0));
  const numbers = (pattern: RegExp): number[] =>
    [...draw().matchAll(pattern)].map(([, text]) => Number(text));

  it('is well-formed, with its texts as they are', () => {
    const parse =
      'import sys, xml.dom.minidom as x; d = x.parseString(sys.stdin.buffer.read());' +
      'print([t.firstChild.data for t in d.getElementsByTagName("text")][0])';
    const parsed = spawnSync('python3', ['-c', parse], { input: draw(), encoding: 'utf8' });
    expect(parsed.stderr).toBe('');
    expect(parsed.stdout.trim()).toBe(named.title);
  });

  it('has bars as long as the medians, and whiskers over all runs', () => {
    const [ours = NaN, theirs = NaN] = numbers(/<rect class="bar" .*?width="([\d.]+)"/g);
    expect(ours / theirs).toBeCloseTo(4);
    const start = numbers(/<rect class="bar" x="([\d.]+)"/g)[0] ?? NaN;
    const [least = NaN] = numbers(/ d="M([\d.]+) /g);
    const [most = NaN] = numbers(/H([\d.]+)/g);
    expect((least - start) / ours).toBeCloseTo(30 / 40);
    expect((most - start) / ours).toBeCloseTo(50 / 40);
  });

  it('is the same each time, and tells the row that has goals', () => {
    expect(draw()).toBe(draw());
    expect(draw()).not.toContain('class="own"');
    const result = concludeFrom(comparison, runs);
    expect(chartOf([{ result, column: 'rate' }], machine, new Date(0))).toContain('class="own"');
  });

  it('says where nothing was measured, and leaves out what has no such column', () => {
    const result = concludeFrom(comparison, { ours: [undefined], theirs: [{ rate: 1 }] });
    expect(chartOf([{ result, column: 'rate' }], machine, new Date(0))).toContain('not measured');
    expect(chartOf([{ result, column: 'other' }], machine, new Date(0))).not.toContain(comparison.title);
  });
});

describe.each(Object.keys(PARTS))('the part %s', (name) => {
  it('is complete, and its names tell its trials apart', async () => {
    for (const each of (await loadPart(name)).comparisons) {
      requireComplete(each);
      const names = each.trials.map((trial) => trial.name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has something to draw', async () => {
    const { comparisons } = await loadPart(name);
    expect(comparisons.filter(({ columns }) => chartedColumn(name) in columns)).not.toEqual([]);
  });
});

describe.each(IN_MEMORY)('the trials of %s', (name) => {
  it(
    'measure something for each column',
    async () => {
      for (const { columns, trials } of (await loadPart(name)).comparisons) {
        for (const trial of trials) {
          const figures = await trial.measure(TINY);
          expect(Object.keys(figures).sort()).toEqual(Object.keys(columns).sort());
        }
      }
    },
    PATIENCE,
  );
});

describe('what is measured', () => {
  it.each(MIXES)('is a stream without faults: $name', ({ announced, speak }) => {
    const helper = newHelper(8);
    const lap = DialogueLap.begin(helper, 2, speak);
    for (let number = 0; number < 3; number++) {
      lap.play(helper, 0, lap.packets);
      lap.next();
    }
    expect(helper.counters).toMatchObject({ refused: 0, expected: 3 * lap.packets * announced });
    expect(helper.limitCounters).toMatchObject({ segmentsOutOfReach: 0, commandsForgotten: 0 });
  });

  it('is all captured sessions', () => {
    const helper = newHelper(64);
    for (const packet of capturedPackets())
      helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: 1 }, 1);
    expect(helper.counters.connections).toBeGreaterThan(10);
    expect(helper.counters.expected).toBeGreaterThan(10);
    expect(helper.counters.refused).toBe(0);
  });

  it.each(LINE_STREAMS)('is the same for the naive twin: $title', (stream) => {
    const counts = Object.values(READERS).map((newReader) => {
      const reader = newReader();
      for (const piece of pieces(stream)) reader.read(piece);
      return { ...reader.counts };
    });
    expect(counts.map(({ lines }) => lines)).toEqual([200, 200, 200]);
    expect(counts.map(({ announcements }) => announcements)).toEqual([0, 2, 2]);
  });
});
