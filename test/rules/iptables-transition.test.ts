import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  IPTABLES_TABLES,
  NO_TABLES,
  OWN_CHAIN,
  ownTables,
  WORKERS_CHAIN,
  type OwnTables,
} from '../../src/rules/iptables-chains.js';
import { obstacle, readTable, transition, type ReadTables } from '../../src/rules/iptables-transition.js';
import { iptablesRemoval } from '../../src/rules/iptables.js';
import { RULES_DEFAULTS } from '../../src/rules/options.js';
import { IptablesModel } from './iptables-model.js';

const read = (model: IptablesModel): ReadTables => ({
  raw: readTable(model.list('raw')),
  mangle: readTable(model.list('mangle')),
});
/** Only the project's part. */
const ownPart = ({ raw, mangle }: ReadTables): OwnTables => ({
  raw: { chain: raw.chain, workers: raw.workers, jumps: raw.jumps },
  mangle: { chain: mangle.chain, workers: mangle.workers, jumps: mangle.jumps },
});
const others = (model: IptablesModel): string[] =>
  IPTABLES_TABLES.flatMap((table) =>
    model
      .list(table)
      .split('\n')
      .filter((line) => !line.includes(OWN_CHAIN)),
  );

const DEFAULTS = ownTables(RULES_DEFAULTS, 4);
const OTHER = ownTables({ ...RULES_DEFAULTS, queue: 3, ports: [2121, 990], failClosed: true }, 4);
const THREE = ownTables({ ...RULES_DEFAULTS, workers: 3 }, 4);
const TWO = ownTables({ ...RULES_DEFAULTS, workers: 2, ports: [21, 990], workerMark: 0x3 }, 4);

/** Any state that an interrupted, repeated or hand-edited application can leave, among the administrator's rules. */
const someModel = fc
  .array(
    fc.record({
      table: fc.constantFrom(...IPTABLES_TABLES),
      lines: fc.constantFrom(
        [`:${OWN_CHAIN} - [0:0]`],
        [`:${OWN_CHAIN} - [0:0]`, ...DEFAULTS.raw.jumps.slice(0, 1)],
        [`:${OWN_CHAIN} - [0:0]`, ...(OTHER.mangle.chain ?? []), ...DEFAULTS.mangle.jumps],
        [`:${WORKERS_CHAIN} - [0:0]`, ...(THREE.mangle.workers ?? []).slice(0, 5)],
        [
          `:${WORKERS_CHAIN} - [0:0]`,
          `:${OWN_CHAIN} - [0:0]`,
          ...(THREE.mangle.workers ?? []),
          ...(THREE.mangle.chain ?? []),
        ],
        [`-A PREROUTING -p tcp --dport 80 -m comment --comment "web" -j MARK --set-xmark 0x1/0x1`],
        [`-A OUTPUT -p udp -j NOTRACK`],
      ),
    }),
    { maxLength: 8 },
  )
  .map((parts) => {
    const model = new IptablesModel();
    for (const { table, lines } of parts) model.restore([`*${table}`, ...lines, 'COMMIT'].join('\n'));
    return model;
  });
const someTarget = fc.constantFrom(DEFAULTS, OTHER, TWO, THREE, NO_TABLES);

describe('a transition', () => {
  it("reaches its target from any state, keeps the administrator's rules, and is empty the next time", () => {
    fc.assert(
      fc.property(someModel, someTarget, (model, target) => {
        const before = others(model);
        expect(model.restore(transition(read(model), target))).toBeUndefined();
        expect(sorted(ownPart(read(model)))).toEqual(sorted(target));
        expect(others(model)).toEqual(before);
        expect(transition(read(model), target)).toBe('');
      }),
    );
  });

  it('can be reverted', () => {
    fc.assert(
      fc.property(someModel, someTarget, (model, target) => {
        const before = ownPart(read(model));
        model.restore(transition(before, target));
        model.restore(transition(read(model), before));
        expect(sorted(ownPart(read(model)))).toEqual(sorted(before));
      }),
    );
  });

  it('keeps a jump where the administrator moved it', () => {
    const model = new IptablesModel();
    model.restore(transition(NO_TABLES, DEFAULTS));
    model.restore('*mangle\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n');
    model.restore(transition(read(model), OTHER));
    const rules = model
      .list('mangle')
      .split('\n')
      .filter((line) => line.startsWith('-A PREROUTING'));
    expect(rules).toEqual([DEFAULTS.mangle.jumps[0], '-A PREROUTING -p tcp -j ACCEPT']);
  });
});

it.each([
  { workers: 'one worker', tables: OTHER },
  { workers: 'three workers', tables: THREE },
])('the printed removal undoes the printed rules of $workers', ({ tables }) => {
  const model = new IptablesModel();
  const before = others(model);
  model.restore(transition(NO_TABLES, tables));
  expect(model.restore(iptablesRemoval())).toBeUndefined();
  expect(ownPart(read(model))).toEqual(NO_TABLES);
  expect(others(model)).toEqual(before);
});

describe('reading a table', () => {
  it("distinguishes the administrator's jumps to the own chain from the project's", () => {
    const mine = `-A PREROUTING -i eth1 -p tcp -j ${OWN_CHAIN}`;
    const listing = ['-P PREROUTING ACCEPT', `-N ${OWN_CHAIN}`, mine, ...DEFAULTS.raw.jumps, ''].join('\n');
    expect(readTable(listing)).toEqual({
      chain: [],
      workers: undefined,
      jumps: DEFAULTS.raw.jumps,
      users: [{ chain: OWN_CHAIN, rule: mine }],
    });
  });

  it("distinguishes them from the first chain's rules that go to the second", () => {
    const mine = `-A OUTPUT -p tcp -g ${WORKERS_CHAIN}`;
    const { chain = [], workers = [], jumps } = TWO.mangle;
    const chains = [`-N ${OWN_CHAIN}`, `-N ${WORKERS_CHAIN}`];
    const read = readTable([...chains, ...chain, ...workers, ...jumps, mine, ''].join('\n'));
    expect(read).toEqual({ chain, workers, jumps, users: [{ chain: WORKERS_CHAIN, rule: mine }] });
    expect([NO_TABLES, DEFAULTS, THREE].map((to) => obstacle(read, to.mangle)?.rule)).toEqual([
      mine,
      mine,
      undefined,
    ]);
  });

  it("ignores a chain whose name begins like the project's", () => {
    const listing = `-N ${OWN_CHAIN}_TOO\n-A ${OWN_CHAIN}_TOO -j ACCEPT\n-A OUTPUT -j ${OWN_CHAIN}_TOO\n`;
    expect(readTable(listing)).toEqual({ chain: undefined, workers: undefined, jumps: [], users: [] });
  });
});

/** A kept jump comes before an added one: their order among each other does not matter. */
function sorted(tables: OwnTables): OwnTables {
  const sort = (table: OwnTables['raw']): OwnTables['raw'] => ({ ...table, jumps: [...table.jumps].sort() });
  return { raw: sort(tables.raw), mangle: sort(tables.mangle) };
}
