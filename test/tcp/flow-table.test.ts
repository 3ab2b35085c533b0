import { describe, expect, it } from 'vitest';
import { FlowTable, MAX_FLOW_CAPACITY, type FlowTableOptions } from '../../src/tcp/flow-table.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { findInPacket, nthTuple, tuple } from './tuples.js';

const SEED = 0x1234_5678_9abc;

function table(options: Partial<FlowTableOptions> = {}): { flows: FlowTable; evicted: string[] } {
  const evicted: string[] = [];
  const onEvict = (flow: number, cause: string): void => {
    evicted.push(`${flow} ${cause}`);
  };
  return { flows: new FlowTable({ capacity: 4, seed: SEED, onEvict, ...options }), evicted };
}

const addNth = (flows: FlowTable, n: number, now: number): number =>
  flows.add(nthTuple(n), invertTuple(nthTuple(n)), now);

describe('a flow', () => {
  const original = tuple('10.1.0.2', 39758, '10.2.0.2', 21);
  const translated = tuple('10.2.0.2', 21, '198.51.100.7', 1026);

  it.each([
    { name: 'IPv4', original, reply: invertTuple(original) },
    { name: 'IPv4 behind NAT', original, reply: translated },
    {
      name: 'IPv6',
      original: tuple('2001:db8:1::2', 39758, '2001:db8:2::2', 21),
      reply: tuple('2001:db8:2::2', 21, '2001:db8:1::2', 39758),
    },
    {
      name: 'addresses and ports with their highest bits set',
      original: tuple('255.254.253.252', 65535, '250.251.252.253', 65534),
      reply: tuple('ffff:fffe:fffd:fffc:fffb:fffa:fff9:fff8', 65535, 'f0f0::8000:1', 32768),
    },
  ])('is found by both its tuples and gives them back: $name', ({ original, reply }) => {
    const { flows } = table();
    addNth(flows, 1, 0);
    const flow = flows.add(original, reply, 0);
    expect(findInPacket(flows, original)).toBe(flow * 2);
    expect(findInPacket(flows, reply)).toBe(flow * 2 + 1);
    expect(flows.findTuple(original)).toBe(flow * 2);
    expect(flows.findTuple(reply)).toBe(flow * 2 + 1);
    expect(flows.original(flow)).toEqual(original);
    expect(flows.reply(flow)).toEqual(reply);
  });

  it.each([
    { name: 'its inverse under NAT', other: invertTuple(original) },
    { name: 'another source', other: { ...original, source: tuple('10.1.0.3', 1, '10.2.0.2', 1).source } },
    {
      name: 'another destination',
      other: { ...original, destination: tuple('10.1.0.3', 1, '10.2.0.3', 1).destination },
    },
    { name: 'another source port', other: { ...original, sourcePort: 39759 } },
    { name: 'another destination port', other: { ...original, destinationPort: 2121 } },
    { name: 'its ports swapped', other: { ...original, sourcePort: 21, destinationPort: 39758 } },
    {
      name: 'the IPv6 addresses that embed its own',
      other: tuple('::ffff:10.1.0.2', 39758, '::ffff:10.2.0.2', 21),
    },
    { name: 'IPv6 addresses that begin with its own', other: tuple('a01:2::', 39758, 'a02:2::', 21) },
  ])('is not found by $name', ({ other }) => {
    const { flows } = table();
    flows.add(original, translated, 0);
    expect(findInPacket(flows, other)).toBe(-1);
    expect(flows.findTuple(other)).toBe(-1);
  });

  it('connected to itself is found as its original half', () => {
    const { flows } = table();
    const self = tuple('127.0.0.1', 21, '127.0.0.1', 21);
    const flow = flows.add(self, self, 0);
    expect(flows.findTuple(self)).toBe(flow * 2);
    expect(flows.reply(flow)).toEqual(self);
    flows.remove(flow);
    expect(flows.findTuple(self)).toBe(-1);
    expect(flows.longestRun()).toBe(0);
  });

  it('is not found by either tuple after remove, which does not call onEvict and may be repeated', () => {
    const { flows, evicted } = table();
    const flow = flows.add(original, translated, 0);
    flows.remove(flow);
    flows.remove(flow);
    expect(flows.size).toBe(0);
    expect(flows.has(flow)).toBe(false);
    expect([flows.findTuple(original), flows.findTuple(translated)]).toEqual([-1, -1]);
    expect(evicted).toEqual([]);
  });

  it('that does not exist cannot be read or touched', () => {
    const { flows } = table();
    for (const flow of [0, 3, 4, -1]) {
      expect(() => flows.original(flow)).toThrow(RangeError);
      expect(() => flows.reply(flow)).toThrow(RangeError);
      expect(() => {
        flows.touch(flow, 1);
      }).toThrow(RangeError);
    }
  });

  it('cannot have a tuple of two families; the attempt changes nothing', () => {
    const { flows, evicted } = table();
    const flow = flows.add(original, translated, 0);
    const mixed = { ...translated, source: tuple('::1', 1, '::1', 1).source };
    expect(() => flows.add(original, mixed, 1)).toThrow(RangeError);
    expect(() => flows.findTuple(mixed)).toThrow(RangeError);
    expect(flows.findTuple(original)).toBe(flow * 2);
    expect(evicted).toEqual([]);
  });
});

describe('a flow whose tuple is already in the table', () => {
  const one = tuple('10.0.0.1', 1001, '10.9.9.9', 21);
  const two = tuple('10.0.0.2', 1002, '10.9.9.9', 21);

  it('replaces the flow that has both tuples', () => {
    const { flows, evicted } = table();
    const old = flows.add(one, invertTuple(one), 0);
    const flow = flows.add(one, invertTuple(one), 1);
    expect(evicted).toEqual([`${old} replaced`]);
    expect(flows.size).toBe(1);
    expect(flows.findTuple(one)).toBe(flow * 2);
  });

  it('replaces both flows if each has one of its tuples', () => {
    const { flows, evicted } = table();
    const first = flows.add(one, invertTuple(one), 0);
    const second = flows.add(two, invertTuple(two), 0);
    const flow = flows.add(one, invertTuple(two), 1);
    expect(evicted).toEqual([`${first} replaced`, `${second} replaced`]);
    expect(flows.size).toBe(1);
    expect(flows.findTuple(one)).toBe(flow * 2);
    expect(flows.findTuple(invertTuple(two))).toBe(flow * 2 + 1);
    expect([flows.findTuple(invertTuple(one)), flows.findTuple(two)]).toEqual([-1, -1]);
  });

  it('replaces the flow that has the same tuples inverted', () => {
    const { flows, evicted } = table();
    const old = flows.add(one, invertTuple(one), 0);
    const flow = flows.add(invertTuple(one), one, 1);
    expect(evicted).toEqual([`${old} replaced`]);
    expect(flows.findTuple(one)).toBe(flow * 2 + 1);
  });

  it('evicts no other flow from a full table', () => {
    const { flows, evicted } = table({ capacity: 2 });
    flows.add(one, invertTuple(one), 0);
    const old = flows.add(two, invertTuple(two), 1);
    flows.add(two, invertTuple(two), 2);
    expect(evicted).toEqual([`${old} replaced`]);
    expect(flows.evictions).toBe(0);
  });
});

describe('the capacity of the table', () => {
  it('is kept by evicting the least recently used flow', () => {
    const { flows, evicted } = table({ capacity: 3 });
    const [first, second, third] = [addNth(flows, 1, 1), addNth(flows, 2, 2), addNth(flows, 3, 3)];
    flows.touch(first, 4);
    addNth(flows, 4, 5);
    flows.touch(third, 6);
    addNth(flows, 5, 7);
    expect(evicted).toEqual([`${second} full`, `${first} full`]);
    expect(flows.size).toBe(3);
    expect(flows.evictions).toBe(2);
    expect(flows.findTuple(nthTuple(2))).toBe(-1);
    expect(flows.findTuple(nthTuple(3))).toBe(third * 2);
  });

  it('may be for a single flow', () => {
    const { flows, evicted } = table({ capacity: 1 });
    for (let n = 0; n < 5; n++) addNth(flows, n, n);
    expect(flows.size).toBe(1);
    expect(evicted).toHaveLength(4);
    expect(flows.findTuple(nthTuple(4))).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN, MAX_FLOW_CAPACITY + 1])('cannot be for %d flows', (capacity) => {
    expect(() => table({ capacity })).toThrow(RangeError);
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('cannot be hashed with the seed %d', (seed) => {
    expect(() => table({ seed })).toThrow(RangeError);
  });
});

describe('idle flows', () => {
  it('expire from the least recently used up to the first one used since', () => {
    const { flows, evicted } = table();
    const [first, second, third] = [addNth(flows, 1, 10), addNth(flows, 2, 20), addNth(flows, 3, 30)];
    flows.touch(first, 40);
    flows.expire(30);
    expect(evicted).toEqual([`${second} idle`]);
    expect([...flows.flows()]).toEqual([third, first]);
    expect([flows.lastSeen(third), flows.lastSeen(first)]).toEqual([30, 40]);
    flows.expire(41);
    expect(flows.size).toBe(0);
    flows.expire(1000);
    expect(flows.evicted).toEqual({ full: 0, idle: 3, replaced: 0 });
  });
});

describe('onEvict', () => {
  it('can still find the flow, may remove any flow, and cannot add or expire', () => {
    const seen: unknown[] = [];
    const flows: FlowTable = new FlowTable({
      capacity: 2,
      seed: SEED,
      onEvict: (flow) => {
        seen.push(flows.original(flow), flows.reply(flow), flows.findTuple(nthTuple(1)));
        flows.remove(flow);
        flows.remove(1);
        expect(() => addNth(flows, 9, 9)).toThrow('onEvict');
        expect(() => {
          flows.expire(9);
        }).toThrow('onEvict');
      },
    });
    addNth(flows, 1, 1);
    addNth(flows, 2, 2);
    addNth(flows, 3, 3);
    expect(seen).toEqual([nthTuple(1), invertTuple(nthTuple(1)), 0]);
    expect([...flows.flows()].map((flow) => flows.original(flow))).toEqual([nthTuple(3)]);
    expect(flows.size).toBe(1);
  });

  it('that throws leaves the flow evicted', () => {
    const { flows } = table({
      onEvict: () => {
        throw new Error('onEvict broke');
      },
    });
    addNth(flows, 1, 1);
    expect(() => {
      flows.expire(2);
    }).toThrow('onEvict broke');
    expect(flows.size).toBe(0);
    expect(flows.findTuple(nthTuple(1))).toBe(-1);
  });
});
