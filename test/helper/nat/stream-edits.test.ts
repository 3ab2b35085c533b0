/** Edits of a stream, whatever the segments: what the receiver puts together is the edited stream. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sequenceAdd } from '../../../src/tcp/sequence.js';
import {
  MAX_EDITS,
  NO_ADJUSTMENT,
  StreamEdits,
  type StreamEdit,
} from '../../../src/helper/nat/stream-edits.js';
import { EditedPath, type PlannedEdit } from './edited-path.js';

const ISN = 0xffff_ff00;
const edit = (from: number, to: number, length: number): StreamEdit => ({
  start: sequenceAdd(ISN, from),
  end: sequenceAdd(ISN, to),
  replacement: new Uint8Array(length).fill(0x2a),
});
const at = (offset: number): number => sequenceAdd(ISN, offset);

/** Passes a segment as whoever owns the edits does; throws where it may not pass. */
function pass(edits: StreamEdits, from: number, length: number): number {
  const treatment = edits.judge(at(from), length);
  if (treatment.kind === 'drop') throw new Error(treatment.cause);
  edits.commit(treatment);
  return treatment.sequence;
}

describe('a segment', () => {
  it('with a longer, an equal, a shorter edit sets the adjustment at the edit', () => {
    for (const length of [15, 10, 4]) {
      const edits = new StreamEdits(ISN);
      edits.add(edit(105, 115, length));
      pass(edits, 100, 30);
      const grown = { position: at(105), offsetBefore: 0, offsetAfter: length - 10 };
      expect(edits.adjustment).toEqual(length === 10 ? NO_ADJUSTMENT : grown);
    }
  });

  it('that is sent again with the edit is edited again, and counts once', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    pass(edits, 100, 30);
    const again = edits.judge(at(90), 60);
    expect(again).toMatchObject({
      kind: 'forward',
      sequence: at(90),
      edits: [{ start: at(105) }],
      adjustment: undefined,
    });
  });

  it.each<[string, number, number, number, number]>([
    ['the first part of an edit', 100, 10, 100, 115],
    ['the first byte of an edit only', 105, 1, 105, 115],
    ['bytes within an edit', 107, 2, 105, 115],
    ['the last part of an edit', 110, 20, 105, 130],
  ])('with %s passes with the whole of it', (_what, first, length, from, to) => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    const passing = { kind: 'forward', from: at(from), to: at(to), sequence: at(from) };
    expect(edits.judge(at(first), length)).toMatchObject({ ...passing, edits: [{ start: at(105) }] });
  });

  it('with what follows an edit that has not passed is withheld', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    expect(edits.judge(at(115), 5)).toEqual({ kind: 'drop', cause: 'behind-an-edit' });
  });

  it.each<[string, number, number]>([
    ['plain bytes before the edit', 4, 104],
    ['all up to the edit', 5, 105],
    ['a part of the edit, and so nothing of it', 24, 105],
    ['all of the edit', 25, 115],
    ['plain bytes behind the edit', 30, 120],
    ['all', 40, 130],
  ])('passes as far as there is room: for %s', (_what, room, to) => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    expect(edits.judge(at(100), 30, room)).toMatchObject({ from: at(100), to: at(to) });
  });

  it('that begins with an edit passes whole up to its end, whatever the room', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    edits.add(edit(115, 125, 20));
    expect(edits.judge(at(105), 30, 8)).toMatchObject({ from: at(105), to: at(115) });
  });

  it('before the edits passes as it is', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    expect(edits.judge(at(50), 55)).toEqual({
      kind: 'forward',
      from: at(50),
      to: at(105),
      sequence: at(50),
      edits: [],
      adjustment: undefined,
    });
  });

  it('that is older than the one position of the kernel gets a number which makes up for it', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    pass(edits, 100, 30);
    edits.acknowledge(at(130));
    edits.add(edit(205, 215, 25));
    pass(edits, 200, 30);
    expect(edits.adjustment).toEqual({ position: at(205), offsetBefore: 10, offsetAfter: 25 });
    // The kernel will add 10 to what lies before the first edit, where nothing must be added.
    expect(pass(edits, 100, 30)).toBe(at(90));
    expect(pass(edits, 130, 70)).toBe(at(130));
  });

  it('with a second growing edit waits as well: acknowledgements between the two would fall into the first', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    pass(edits, 100, 30);
    edits.add(edit(205, 215, 20));
    expect(edits.judge(at(205), 25)).toEqual({ kind: 'drop', cause: 'edit-unacknowledged' });
    edits.acknowledge(at(130));
    expect(edits.judge(at(205), 25)).toMatchObject({ kind: 'forward', to: at(230) });
  });

  it('with a second shrinking edit waits for the acknowledgement of the first', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 5));
    pass(edits, 100, 30);
    edits.add(edit(205, 215, 5));
    expect(edits.judge(at(200), 30)).toMatchObject({ kind: 'forward', to: at(205), edits: [] });
    expect(edits.judge(at(205), 25)).toEqual({ kind: 'drop', cause: 'edit-unacknowledged' });
    edits.acknowledge(at(130));
    expect(edits.judge(at(200), 30)).toMatchObject({ kind: 'forward', to: at(230) });
  });

  it('with several edits passes up to the second, for it may be sent again in several', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 15));
    edits.add(edit(125, 135, 15));
    expect(edits.judge(at(100), 80)).toMatchObject({
      to: at(125),
      edits: [{ start: at(105) }],
      adjustment: { position: at(105), offsetBefore: 0, offsetAfter: 5 },
    });
  });

  it('with several edits of equal length passes whole', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 10));
    edits.add(edit(125, 135, 15));
    edits.add(edit(145, 155, 10));
    expect(edits.judge(at(100), 80)).toMatchObject({
      to: at(180),
      edits: [{ start: at(105) }, { start: at(125) }, { start: at(145) }],
      adjustment: { position: at(125), offsetBefore: 0, offsetAfter: 5 },
    });
  });
});

describe('edits', () => {
  it('are cumulative over a connection', () => {
    const edits = new StreamEdits(ISN);
    for (let session = 0; session < 50; session++) {
      expect(edits.add(edit(session * 100 + 10, session * 100 + 20, 12))).toBe(true);
      pass(edits, session * 100, 100);
      edits.acknowledge(at(session * 100 + 100));
    }
    expect(edits.adjustment).toEqual({ position: at(4910), offsetBefore: 98, offsetAfter: 100 });
  });

  it('are refused where too many are under way', () => {
    const edits = new StreamEdits(ISN);
    for (let count = 0; count < MAX_EDITS; count++)
      expect(edits.add(edit(count * 10, count * 10 + 5, 6))).toBe(true);
    expect(edits.add(edit(9000, 9005, 6))).toBe(false);
    expect(edits.full).toBe(true);
  });

  it('that are taken back leave the bytes as they were sent', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    expect(edits.abandon()).toBe(1);
    expect(edits.judge(at(110), 10)).toMatchObject({ kind: 'forward', edits: [] });
  });

  it('go on from what an earlier process left in the kernel', () => {
    const edits = new StreamEdits(ISN, { position: at(5), offsetBefore: 2, offsetAfter: 7 });
    edits.add(edit(105, 115, 20));
    pass(edits, 100, 30);
    expect(edits.adjustment).toEqual({ position: at(105), offsetBefore: 7, offsetAfter: 17 });
  });

  it('map acknowledgements to the numbers of the sender', () => {
    const edits = new StreamEdits(ISN);
    edits.add(edit(105, 115, 20));
    pass(edits, 100, 30);
    expect(edits.acknowledged(at(100))).toBe(at(100));
    expect(edits.acknowledged(at(140))).toBe(at(130));
  });
});

const plannedEdits = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 25 }),
      range: fc.integer({ min: 1, max: 12 }),
      length: fc.integer({ min: 1, max: 24 }),
    }),
    { maxLength: 6 },
  )
  .map((shapes) => {
    const planned: PlannedEdit[] = [];
    let from = 0;
    for (const { gap, range, length } of shapes) {
      from += gap;
      planned.push({
        from,
        to: from + range,
        replacement: new Uint8Array(length).fill(200 + planned.length),
      });
      from += range;
    }
    return planned;
  });

/** One thing that happens on the path: a segment from around the window, perhaps lost or cut, or an acknowledgement. */
const events = fc.array(
  fc.record({
    start: fc.integer({ min: 0, max: 40 }),
    length: fc.integer({ min: 1, max: 60 }),
    taken: fc.oneof(fc.constantFrom(0, Infinity), fc.integer({ min: 1, max: 20 })),
    seenByUs: fc.boolean(),
    seenBySender: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** What the receiver must have before the sender may see `acknowledged`: of an edit in the middle of which it is, nothing. */
function owed(stream: Uint8Array, planned: readonly PlannedEdit[], acknowledged: number): number {
  const within = planned.find(({ from, to }) => from < acknowledged && acknowledged < to);
  const before = planned.filter(({ to }) => to <= acknowledged);
  return EditedPath.edited(stream.subarray(0, within?.from ?? acknowledged), before).length;
}

describe('for any stream, edits, segments, losses and repetitions', () => {
  it('the receiver gets the edited stream, and the sender no acknowledgement for more than was received', () => {
    fc.assert(
      fc.property(
        plannedEdits,
        events,
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom(Infinity, 30),
        fc.constantFrom(ISN, 5, 0x7fff_fff0),
        (planned, happenings, rest, segment, room, isn) => {
          const length = (planned.at(-1)?.to ?? 0) + rest;
          const stream = Uint8Array.from({ length }, (_, index) => index % 200);
          const path = new EditedPath(stream, planned, isn, room);
          for (const { start, length: size, taken, seenByUs, seenBySender } of happenings) {
            const from = Math.min(path.acknowledged + start, length);
            const to = Math.min(from + size, length);
            // A part is taken for want of window, which is not put together with a path that takes short segments only.
            if (from < to) path.send(from, to, room === Infinity || taken === 0 ? taken : Infinity);
            path.acknowledge(seenByUs, seenBySender);
            expect(owed(stream, planned, path.acknowledged)).toBeLessThanOrEqual(path.received.length);
          }
          // In the end the path is good, and the sender sends all that is unacknowledged, in segments of any size.
          for (let round = 0; round < length && path.acknowledged < length; round++) {
            for (let from = path.acknowledged; from < length; from += segment) {
              path.send(from, Math.min(from + segment, length));
            }
            path.acknowledge(true, true);
          }
          expect(path.acknowledged).toBe(length);
          expect(path.received).toEqual(EditedPath.edited(stream, planned));
        },
      ),
      { numRuns: 5000 },
    );
  });
});
