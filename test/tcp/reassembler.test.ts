import { describe, expect, it } from 'vitest';
import { REACH_BYTES, STRAYS_TO_RESTART } from '../../src/tcp/half-streams.js';
import { Reassembler } from '../../src/tcp/reassembler.js';
import { GAP, StreamProbe } from './stream-probe.js';

/**
 * A segment at an offset from the initial sequence number, or an acknowledgement of everything before an
 * offset.
 */
type Step =
  { readonly at: number; readonly text: string; readonly fin?: boolean } | { readonly acknowledged: number };

interface Row {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly heard: string;
}

const at = (offset: number, text: string): Step => ({ at: offset, text });
const fin = (offset: number, text = ''): Step => ({ at: offset, text, fin: true });
const acknowledged = (offset: number): Step => ({ acknowledged: offset });

const ORDERLY: readonly Row[] = [
  { name: 'segments in order', steps: [at(0, 'USER'), at(4, ' x')], heard: 'USER x' },
  { name: 'two segments swapped', steps: [at(4, ' x'), at(0, 'USER')], heard: 'USER x' },
  { name: 'three segments, last first', steps: [at(4, 'e'), at(2, 'cd'), at(0, 'ab')], heard: 'abcde' },
  { name: 'a hole that has not filled yet', steps: [at(0, 'ab'), at(4, 'ef')], heard: 'ab' },
  { name: 'a hole that fills byte by byte', steps: [at(2, 'cd'), at(0, 'a'), at(1, 'b')], heard: 'abcd' },
  {
    name: 'two holes, the second filled first',
    steps: [at(2, 'c'), at(4, 'e'), at(3, 'd'), at(0, 'ab')],
    heard: 'abcde',
  },
  { name: 'a retransmission', steps: [at(0, 'abcd'), at(0, 'abcd'), at(4, 'e')], heard: 'abcde' },
  { name: 'a retransmission cut differently', steps: [at(0, 'abcd'), at(2, 'cdef')], heard: 'abcdef' },
  {
    name: 'a retransmission of two segments as one',
    steps: [at(0, 'ab'), at(2, 'cd'), at(0, 'abcde')],
    heard: 'abcde',
  },
  { name: 'a held segment twice', steps: [at(2, 'cd'), at(2, 'cd'), at(0, 'ab')], heard: 'abcd' },
  { name: 'segments without bytes', steps: [at(0, ''), at(0, 'a'), at(1, ''), at(9, '')], heard: 'a' },
  {
    name: 'a keep-alive, with and without its byte',
    steps: [at(0, 'ab'), at(1, ''), at(1, 'b'), at(2, 'c')],
    heard: 'abc',
  },
];

const OVERLAPS: readonly Row[] = [
  { name: 'a new tail after old bytes', steps: [at(0, 'abcd'), at(2, 'XXef')], heard: 'abcdef' },
  {
    name: 'held bytes against a later copy that covers them',
    steps: [at(2, 'cd'), at(0, 'abXXef')],
    heard: 'abcdef',
  },
  {
    name: 'held bytes against a later copy of their beginning',
    steps: [at(2, 'cdef'), at(0, 'abXX')],
    heard: 'abcdef',
  },
  {
    name: 'held bytes against a held copy that begins before',
    steps: [at(3, 'de'), at(2, 'cXXf'), at(0, 'ab')],
    heard: 'abcdef',
  },
  {
    name: 'held bytes against a held copy that begins inside',
    steps: [at(2, 'cd'), at(3, 'Xe'), at(0, 'ab')],
    heard: 'abcde',
  },
  {
    name: 'held bytes against a held copy that lies inside',
    steps: [at(1, 'bcde'), at(2, 'XX'), at(0, 'a')],
    heard: 'abcde',
  },
  {
    name: 'two held segments against a copy over both and the hole between',
    steps: [at(2, 'c'), at(4, 'e'), at(1, 'bXdXf'), at(0, 'a')],
    heard: 'abcdef',
  },
  {
    name: 'a copy in order over two held segments',
    steps: [at(2, 'c'), at(4, 'e'), at(0, 'abXdXf')],
    heard: 'abcdef',
  },
  {
    name: 'a segment between two held ones that it touches',
    steps: [at(1, 'b'), at(3, 'd'), at(2, 'c'), at(0, 'a')],
    heard: 'abcd',
  },
];

const HOLES: readonly Row[] = [
  {
    name: 'an acknowledgement past a hole gives it up',
    steps: [at(2, 'cd'), acknowledged(4)],
    heard: `${GAP}|cd`,
  },
  {
    name: 'an acknowledgement just up to the held bytes gives the hole up',
    steps: [at(2, 'cd'), acknowledged(2)],
    heard: `${GAP}|cd`,
  },
  {
    name: 'an acknowledgement within the hole does not give it up',
    steps: [at(2, 'cd'), acknowledged(1)],
    heard: '',
  },
  {
    name: 'a hole acknowledged before later bytes arrive is given up when they arrive',
    steps: [acknowledged(2), at(2, 'cd')],
    heard: `${GAP}|cd`,
  },
  {
    name: 'bytes that arrive after their acknowledgement are read unless later ones were read',
    steps: [acknowledged(4), at(0, 'abcd')],
    heard: 'abcd',
  },
  {
    name: 'of two holes only the acknowledged one is given up',
    steps: [at(2, 'c'), at(5, 'f'), acknowledged(3)],
    heard: `${GAP}|c`,
  },
  {
    name: 'two holes given up by one acknowledgement',
    steps: [at(2, 'c'), at(5, 'f'), acknowledged(6)],
    heard: `${GAP}|c|${GAP}|f`,
  },
  {
    name: 'the stream continues after the gap',
    steps: [at(2, 'c'), acknowledged(3), at(3, 'd')],
    heard: `${GAP}|cd`,
  },
  {
    name: 'lost bytes that arrive later are not read',
    steps: [at(2, 'c'), acknowledged(3), at(0, 'ab'), at(3, 'd')],
    heard: `${GAP}|cd`,
  },
  {
    name: 'an old acknowledgement changes nothing',
    steps: [at(0, 'ab'), acknowledged(1), at(3, 'd'), acknowledged(2)],
    heard: 'ab',
  },
];

const FINS: readonly Row[] = [
  { name: 'bytes after the FIN are not read', steps: [fin(0, 'ab'), at(2, 'cd')], heard: 'ab' },
  { name: 'a FIN without payload', steps: [at(0, 'ab'), fin(2), at(2, 'cd')], heard: 'ab' },
  { name: 'a FIN with a hole before it', steps: [fin(2, 'cd'), at(0, 'ab'), at(4, 'ef')], heard: 'abcd' },
  {
    name: 'a segment that extends past the FIN is cut there',
    steps: [fin(2, 'cd'), at(0, 'abXXee')],
    heard: 'abcd',
  },
  { name: 'bytes held after the FIN are dropped', steps: [at(3, 'd'), fin(2), at(0, 'abX')], heard: 'ab' },
  { name: 'bytes held across the FIN are cut', steps: [at(1, 'bcd'), fin(2), at(0, 'a')], heard: 'ab' },
  { name: 'the first FIN wins', steps: [at(1, 'b'), fin(2), fin(4), at(0, 'abcd')], heard: 'ab' },
  {
    name: 'a FIN behind the stream is ignored',
    steps: [at(0, 'abcd'), fin(0, 'ab'), at(4, 'e')],
    heard: 'abcde',
  },
  { name: 'a retransmission after the end', steps: [fin(0, 'ab'), fin(0, 'ab')], heard: 'ab' },
];

const INITIAL_NUMBERS = [0, 1, 2 ** 31 - 3, 2 ** 32 - 3, 2 ** 32 - 1];

function play(initial: number, steps: readonly Step[]): StreamProbe {
  const probe = new StreamProbe();
  probe.reassembler.begin(0, initial);
  for (const step of steps) {
    if ('acknowledged' in step) probe.acknowledge(0, initial + step.acknowledged);
    else probe.receive(0, initial + step.at, step.text, step.fin);
  }
  return probe;
}

describe.each(INITIAL_NUMBERS)('a half-stream that begins at %d', (initial) => {
  describe.each([
    { theme: 'segments', rows: ORDERLY },
    { theme: 'copies that differ: the first wins', rows: OVERLAPS },
    { theme: 'holes that do not fill', rows: HOLES },
    { theme: 'FIN', rows: FINS },
  ])('$theme', ({ rows }) => {
    it.each(rows)('$name', ({ steps, heard }) => {
      expect(play(initial, steps).heard()).toBe(heard);
    });
  });
});

describe('a half that has not begun', () => {
  it('starts mid-stream with the first segment with payload', () => {
    const probe = new StreamProbe();
    probe.receive(0, 500, '');
    probe.receive(0, 500, '', true);
    expect(probe.reassembler.begun(0)).toBe(false);
    probe.receive(0, 700, 'ab');
    probe.receive(0, 702, 'c');
    expect(probe.heard()).toBe(`${GAP}|abc`);
    expect(probe.reassembler.counters.midStreamStarts).toBe(1);
  });

  it('does not read bytes before its first segment', () => {
    const probe = new StreamProbe();
    probe.receive(0, 700, 'cd');
    probe.receive(0, 698, 'ab');
    expect(probe.heard()).toBe(`${GAP}|cd`);
  });

  it('may start and end with the same segment', () => {
    const probe = new StreamProbe();
    probe.receive(0, 700, 'ab', true);
    probe.receive(0, 702, 'cd');
    expect(probe.heard()).toBe(`${GAP}|ab`);
  });

  it('ignores acknowledgements', () => {
    const probe = new StreamProbe();
    probe.acknowledge(0, 700);
    expect(probe.reassembler.begun(0)).toBe(false);
  });

  it('is the state of a forgotten half', () => {
    const probe = new StreamProbe();
    probe.reassembler.begin(0, 100);
    probe.receive(0, 104, 'held');
    probe.reassembler.forget(0);
    expect(probe.reassembler.begun(0)).toBe(false);
    expect(probe.reassembler.next(0)).toBeUndefined();
    expect(probe.reassembler.heldMemory).toBe(0);
    probe.receive(0, 102, 'xy');
    expect(probe.heard()).toBe(`${GAP}|xy`);
  });
});

describe('what a reassembler reports about a half', () => {
  it('knows its SYN, also across the wrap', () => {
    const { reassembler } = new StreamProbe();
    expect(reassembler.beganAt(0, 2 ** 32 - 1)).toBe(false);
    reassembler.begin(0, 0);
    expect(reassembler.beganAt(0, 2 ** 32 - 1)).toBe(true);
    expect(reassembler.beganAt(0, 0)).toBe(false);
    reassembler.begin(0, 51);
    expect(reassembler.beganAt(0, 50)).toBe(true);
  });

  it('knows the next sequence number, including one for a FIN', () => {
    const probe = new StreamProbe();
    probe.reassembler.begin(0, 2 ** 32 - 2);
    expect(probe.reassembler.next(0)).toBe(2 ** 32 - 2);
    probe.receive(0, 2 ** 32 - 2, 'abc');
    expect(probe.reassembler.next(0)).toBe(1);
    probe.receive(0, 3, '', true);
    expect(probe.reassembler.next(0)).toBe(1);
    probe.receive(0, 1, 'de');
    expect(probe.reassembler.next(0)).toBe(4);
  });
});

describe('borrowed bytes', () => {
  it('in order are passed on in place', () => {
    const seen: [Buffer, number, number, number][] = [];
    const reassembler = new Reassembler(
      { halves: 2 },
      {
        onBytes: (_half, bytes, start, end, sequence) => seen.push([bytes, start, end, sequence]),
        onGap: () => undefined,
      },
    );
    const slab = Buffer.from('..USER x..');
    reassembler.begin(1, 40);
    reassembler.receive(1, 40, slab, 2, 8, false);
    expect(seen).toEqual([[slab, 2, 8, 40]]);
    expect(seen[0]?.[0]).toBe(slab);
  });

  it('of the two halves of a flow do not mix', () => {
    const probe = new StreamProbe();
    probe.reassembler.begin(0, 10);
    probe.reassembler.begin(1, 10);
    probe.receive(0, 12, 'cd');
    probe.receive(1, 10, 'xy');
    probe.receive(0, 10, 'ab');
    expect(probe.heard(0)).toBe('abcd');
    expect(probe.heard(1)).toBe('xy');
  });
});

describe('segments out of reach', () => {
  const begun = (): StreamProbe => {
    const probe = new StreamProbe();
    probe.reassembler.begin(0, 1000);
    return probe;
  };

  it.each([
    { name: 'ahead', offset: REACH_BYTES + 1 },
    { name: 'behind', offset: -REACH_BYTES - 1 },
    { name: 'on the other side of the sequence number space', offset: 2 ** 31 },
  ])('$name are ignored and counted', ({ offset }) => {
    const probe = begun();
    probe.receive(0, 1000 + offset, 'far');
    probe.receive(0, 1000, 'near');
    expect(probe.heard()).toBe('near');
    expect(probe.reassembler.counters.strays).toBe(1);
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it('begin one byte past the segments that are held', () => {
    const probe = begun();
    probe.receive(0, 1000 + REACH_BYTES, 'far');
    expect(probe.reassembler.counters).toMatchObject({ strays: 0, heldSegments: 1 });
  });

  it(`move the stream after ${STRAYS_TO_RESTART} in a row`, () => {
    const probe = begun();
    probe.receive(0, 1000, 'ab');
    for (let stray = 1; stray < STRAYS_TO_RESTART; stray++) probe.receive(0, 2 ** 31 + stray, 'x');
    expect(probe.heard()).toBe('ab');
    probe.receive(0, 2 ** 31 + 100, 'new');
    probe.receive(0, 2 ** 31 + 103, 'er');
    expect(probe.heard()).toBe(`ab|${GAP}|newer`);
    expect(probe.reassembler.counters).toMatchObject({ strays: STRAYS_TO_RESTART, restarts: 1 });
  });

  it('do not move the stream if a segment in reach comes between', () => {
    const probe = begun();
    for (let round = 0; round < 3; round++) {
      for (let stray = 1; stray < STRAYS_TO_RESTART; stray++) probe.receive(0, 2 ** 31, 'x');
      probe.receive(0, 1000 + round, 'a');
    }
    expect(probe.heard()).toBe('aaa');
  });

  it('do not move the stream if they are empty', () => {
    const probe = begun();
    for (let stray = 0; stray < 2 * STRAYS_TO_RESTART; stray++) probe.receive(0, 2 ** 31, '', true);
    probe.receive(0, 1000, 'a');
    expect(probe.heard()).toBe('a');
  });

  it('may be acknowledgements, which are counted and ignored', () => {
    const probe = begun();
    probe.receive(0, 1002, 'cd');
    probe.acknowledge(0, 1001 + REACH_BYTES);
    expect(probe.heard()).toBe('');
    expect(probe.reassembler.counters.strayAcknowledgments).toBe(1);
    probe.acknowledge(0, 1000 + REACH_BYTES);
    expect(probe.heard()).toBe(`${GAP}|cd`);
  });
});

describe('a stream longer than the sequence number space', () => {
  it('still holds out-of-order bytes if nothing was acknowledged for 2^31 bytes', () => {
    const probe = new StreamProbe({ maxOutOfOrderBytes: 64 });
    const far = Buffer.alloc(2 ** 20);
    let next = 0;
    probe.onBytes = () => undefined;
    probe.reassembler.begin(0, next);
    for (let read = 0; read < 2 ** 31 + 4 * far.length; read += far.length) {
      probe.reassembler.receive(0, next, far, 0, far.length, false);
      next = (next + far.length) % 2 ** 32;
    }
    probe.receive(0, next + 2, 'cd');
    expect(probe.reassembler.counters).toMatchObject({ gaps: 0, heldSegments: 1 });
  });
});
