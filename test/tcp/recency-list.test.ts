import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecencyList } from '../../src/tcp/recency-list.js';

const CAPACITY = 5;

const itemsOf = (list: RecencyList): number[] => {
  const items: number[] = [];
  for (let item = list.oldest; item >= 0; item = list.newerThan(item)) items.push(item);
  return items;
};

describe('a recency list', () => {
  it('is empty at first', () => {
    expect(new RecencyList(CAPACITY).oldest).toBe(-1);
  });

  it('keeps the order of an array in which used items move to the end', () => {
    const action = fc.constantFrom<'add' | 'remove' | 'renew'>('add', 'remove', 'renew');
    const actions = fc.array(fc.tuple(action, fc.nat(CAPACITY - 1)), { maxLength: 60 });
    fc.assert(
      fc.property(actions, (steps) => {
        const list = new RecencyList(CAPACITY);
        let twin: number[] = [];
        for (const [step, item] of steps) {
          const there = twin.includes(item);
          if (there === (step === 'add')) continue;
          list[step](item);
          twin = twin.filter((other) => other !== item);
          if (step !== 'remove') twin.push(item);
          expect(itemsOf(list)).toEqual(twin);
        }
      }),
    );
  });
});
