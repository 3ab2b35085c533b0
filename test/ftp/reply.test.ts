/** Which lines make a reply (RFC 959 §4.2). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLY_PART, replyCode, ReplyGrouping } from '../../src/ftp/reply.js';

const { none, opening, text } = REPLY_PART;

/** Reads lines as flow 1 of 2, each surrounded by bytes that would change its meaning. */
function readAll(lines: readonly string[]): number[] {
  const grouping = new ReplyGrouping(2);
  return lines.map((line) => {
    const bytes = Buffer.from(`2${line}-0`, 'latin1');
    return grouping.read(1, bytes, 1, 1 + line.length);
  });
}

describe('ReplyGrouping', () => {
  it.each([
    ['one line', ['220 ready'], [220]],
    ['a code alone', ['220'], [220]],
    ['several lines', ['220-a', 'b', ' 220 c', '220 d'], [opening, text, text, 220]],
    [
      'lines that look like other replies',
      ['211-a', '227 b', '211-c', '212 d', '211'],
      [opening, text, text, text, 211],
    ],
    ['a code that sticks to its text inside', ['211-a', '211b', '211 c'], [opening, text, 211]],
    [
      'lines that are no replies',
      ['', '22', '99 a', '2200', '220_a', '020 a', '600 a', '2x0 a', ' 220 a'],
      [none, none, none, none, none, none, none, none, none],
    ],
    ['the next reply after several lines', ['230-a', '230 b', '227 c'], [opening, 230, 227]],
    ['all first digits', ['100 a', '200 a', '300 a', '400 a', '599 a'], [100, 200, 300, 400, 599]],
  ])('reads %s', (_, lines, parts) => {
    expect(readAll(lines)).toEqual(parts);
  });

  it('keeps flows apart', () => {
    const grouping = new ReplyGrouping(2);
    expect(grouping.read(0, Buffer.from('220-a'), 0, 5)).toBe(opening);
    expect(grouping.read(1, Buffer.from('331 b'), 0, 5)).toBe(331);
    expect(grouping.read(0, Buffer.from('331 b'), 0, 5)).toBe(text);
  });

  it('starts with a new reply after a reset', () => {
    const grouping = new ReplyGrouping(1);
    grouping.read(0, Buffer.from('220-a'), 0, 5);
    grouping.reset(0);
    expect(grouping.read(0, Buffer.from('331 b'), 0, 5)).toBe(331);
  });
});

describe('replyCode', () => {
  it('agrees with a regular expression', () => {
    const lines = fc.array(fc.constantFrom('0', '1', '2', '5', '6', '9', ' ', '-', 'x', '/', ':'), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(lines, (parts) => {
        const line = parts.join('');
        const code = /^[1-5]\d\d/.exec(line)?.[0];
        expect(replyCode(Buffer.from(`${line}999`), 0, line.length)).toBe(Number(code ?? 0));
      }),
      { numRuns: 1000 },
    );
  });
});
