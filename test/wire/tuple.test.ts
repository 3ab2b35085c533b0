import { describe, expect, it } from 'vitest';
import { formatTuple, invertTuple, sameTuple, type Tuple } from '../../src/wire/tuple.js';
import { endpoint } from './packets.js';

function tuple(source: string, destination: string): Tuple {
  const [from, to] = [endpoint(source), endpoint(destination)];
  return {
    source: from.address,
    destination: to.address,
    sourcePort: from.port,
    destinationPort: to.port,
  };
}

const TUPLE = tuple('10.1.0.2:39758', '10.2.0.2:21');
const TUPLE_V6 = tuple('[2001:db8:1::2]:39758', '[2001:db8:2::2]:21');

describe('a tuple', () => {
  it('is formatted as sender and receiver', () => {
    expect(formatTuple(TUPLE)).toBe('10.1.0.2:39758 > 10.2.0.2:21');
    expect(formatTuple(TUPLE_V6)).toBe('[2001:db8:1::2]:39758 > [2001:db8:2::2]:21');
  });

  it('inverted is the tuple of the other direction', () => {
    expect(formatTuple(invertTuple(TUPLE))).toBe('10.2.0.2:21 > 10.1.0.2:39758');
    expect(invertTuple(invertTuple(TUPLE_V6))).toEqual(TUPLE_V6);
  });

  it('equals another with the same endpoints', () => {
    expect(sameTuple(TUPLE, tuple('10.1.0.2:39758', '10.2.0.2:21'))).toBe(true);
    expect(sameTuple(TUPLE_V6, tuple('[2001:db8:1:0::2]:39758', '[2001:db8:2::2]:21'))).toBe(true);
  });

  it.each([
    ['another source', tuple('10.1.0.3:39758', '10.2.0.2:21')],
    ['another destination', tuple('10.1.0.2:39758', '10.2.0.3:21')],
    ['another source port', tuple('10.1.0.2:39759', '10.2.0.2:21')],
    ['another destination port', tuple('10.1.0.2:39758', '10.2.0.2:20')],
    ['the other direction', invertTuple(TUPLE)],
    ['another family', TUPLE_V6],
  ])('is not the same as one with %s', (_name, other) => {
    expect(sameTuple(TUPLE, other)).toBe(false);
  });
});
