import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowTable } from '../../src/tcp/flow-table.js';
import type { Tuple } from '../../src/wire/tuple.js';
import { NaiveFlowTable } from './naive-flow-table.js';
import { findInPacket, tuple } from './tuples.js';

const RUNS = 100;
/** Milliseconds; a busy machine takes ten times as long as an idle one. */
const PATIENCE = 60_000;
/** Few enough for frequent clashes. The last IPv6 addresses embed the IPv4 ones. */
const ADDRESSES = {
  4: ['10.0.0.1', '10.0.0.2'],
  6: ['2001:db8::1', '::ffff:10.0.0.1', '::ffff:10.0.0.2'],
} as const;
const PORTS = [21, 40000] as const;

const TUPLES: readonly Tuple[] = ([4, 6] as const).flatMap((family) =>
  ADDRESSES[family].flatMap((source) =>
    ADDRESSES[family].flatMap((destination) =>
      PORTS.flatMap((sourcePort) =>
        PORTS.map((destinationPort) => tuple(source, sourcePort, destination, destinationPort)),
      ),
    ),
  ),
);

type Step =
  | { readonly kind: 'add'; readonly original: Tuple; readonly reply: Tuple; readonly now: number }
  | { readonly kind: 'touch' | 'remove'; readonly which: number; readonly now: number }
  | { readonly kind: 'expire'; readonly now: number };

const anyTuple = fc.constantFrom(...TUPLES);
const now = fc.nat(240).map((quarters) => quarters / 4);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('add' as const), original: anyTuple, reply: anyTuple, now }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('touch' as const, 'remove' as const),
      which: fc.nat(7),
      now,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), now }) },
);

/** Clocks mostly advance: `now` is the step's increment, slightly reduced. */
function perform(each: Step, moment: number, flows: FlowTable, twin: NaiveFlowTable): void {
  switch (each.kind) {
    case 'add':
      twin.prepare(each.original, each.reply);
      twin.add(flows.add(each.original, each.reply, moment), each.original, each.reply, moment);
      break;
    case 'touch':
    case 'remove': {
      const slot = twin.slots[each.which];
      if (slot === undefined) return;
      flows[each.kind](slot, moment);
      twin[each.kind](slot, moment);
      break;
    }
    case 'expire':
      flows.expire(moment - 40);
      twin.expire(moment - 40);
      break;
  }
}

describe('a flow table agrees with a map with string keys', () => {
  it.each([1, 2, 5, 40])(
    'with a capacity of %d flows',
    (capacity) => {
      fc.assert(
        fc.property(fc.maxSafeNat(), fc.array(step, { maxLength: 80, size: 'max' }), (seed, steps) => {
          const evicted: string[] = [];
          const flows = new FlowTable({
            capacity,
            seed,
            onEvict: (flow, cause) => evicted.push(`${flow} ${cause}`),
          });
          const twin = new NaiveFlowTable(capacity);
          let moment = 1_000;
          for (const each of steps) {
            moment += each.now - 10;
            perform(each, moment, flows, twin);
            expect([...flows.flows()]).toEqual(twin.slots);
          }
          expect(evicted).toEqual(twin.evicted);
          expect(flows.size).toBe(twin.slots.length);
          expect(TUPLES.map((each) => flows.findTuple(each))).toEqual(TUPLES.map((each) => twin.find(each)));
          expect(TUPLES.map((each) => findInPacket(flows, each))).toEqual(
            TUPLES.map((each) => twin.find(each)),
          );
          for (const flow of twin.slots) flows.remove(flow);
          expect(flows.longestRun()).toBe(0);
        }),
        { numRuns: RUNS },
      );
    },
    PATIENCE,
  );
});
