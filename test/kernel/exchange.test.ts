import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NetlinkSocket } from '../../src/kernel/netlink-socket.js';
import { FOLLOW_MASTER } from '../../src/wire/expectation.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { formatExchanges, parseExchanges, ReplayingSocket, type Exchange } from './exchange.js';
import {
  converse,
  FAMILIES,
  MASTER,
  SCENARIOS,
  TRANSLATED_REPLY,
  translatedPinhole,
  type Family,
  type ScenarioName,
} from './exchange-scenarios.js';

/** The results of src/kernel at the time of recording. */
const RESULTS: Record<ScenarioName, (family: Family) => unknown> = {
  'entry-translated': (family) => ({
    protocol: 6,
    original: MASTER[family],
    reply: TRANSLATED_REPLY[family],
    mark: 0xa5,
    zone: 0,
    helper: 'sane',
    master: undefined,
    id: expect.toSatisfy((id: number) => id > 0) as unknown,
  }),
  'entry-absent': () => undefined,
  'entry-marked-in-zone': () => ({ marked: true, mark: 0xff, removed: true }),
  'sequence-adjusted': (family) => ({
    outcome: 'adjusted',
    entry: {
      original: MASTER[family],
      reply: invertTuple(MASTER[family]),
      sequenceAdjustOriginal: { position: 0, offsetBefore: 0, offsetAfter: 0 },
      sequenceAdjustReply: { position: 0xfffffff0, offsetBefore: -3, offsetAfter: 2 },
    },
  }),
  'pinhole-translated': (family) => ({
    opened: 'opened',
    found: {
      master: MASTER[family],
      tuple: translatedPinhole(family).tuple,
      sourcePortMask: 0,
      timeout: 60,
      helper: 'sane',
      fn: FOLLOW_MASTER,
      nat: { direction: 1, tuple: { sourcePort: 40001 } },
    },
    refreshed: 'refreshed',
    closed: true,
  }),
  'pinhole-refused': () => ({ masterGone: 'master-gone', noHelper: 'no-helper' }),
};

const CASES = FAMILIES.flatMap((family) =>
  (Object.keys(SCENARIOS) as ScenarioName[]).map((name) => ({ name, family })),
);

describe('a recorded conversation with the kernel', () => {
  it.each(CASES)(
    '$name over IPv$family sends the same bytes and gives the same result',
    ({ name, family }) => {
      const socket = new ReplayingSocket(readExchanges(name, family));
      const result = SCENARIOS[name](converse(new NetlinkSocket(socket)), family);
      const expected = RESULTS[name](family);
      if (typeof expected === 'object') expect(result).toMatchObject(expected ?? {});
      else expect(result).toBe(expected);
      expect(socket.left).toBe(0);
    },
  );

  it('survives a round trip through its text form', () => {
    const exchanges = readExchanges('pinhole-translated', 6);
    expect(exchanges.length).toBeGreaterThan(5);
    expect(parseExchanges(formatExchanges('a title', exchanges))).toEqual(exchanges);
  });

  it('fails if a request differs', () => {
    const socket = new ReplayingSocket(readExchanges('entry-absent', 4));
    expect(() => converse(new NetlinkSocket(socket)).table.find(MASTER[6])).toThrow(/asked .* recorded/);
  });
});

function readExchanges(name: ScenarioName, family: Family): Exchange[] {
  const fixture = new URL(`../fixtures/netlink/${name}-ipv${family}.hex`, import.meta.url);
  return parseExchanges(readFileSync(fixture, 'utf8'));
}
