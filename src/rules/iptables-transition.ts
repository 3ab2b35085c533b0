/**
 * From what is there to what shall be there: reads our part out of `iptables -t TABLE -S`, and makes the text that
 * turns one state into another. Applied to what was just read it may be repeated, it mends a half-made ruleset, and
 * with the two states exchanged it takes a change back.
 *
 * @module
 */
import {
  COMMENT_PREFIX,
  IPTABLES_TABLES,
  OWN_CHAIN,
  type IptablesTable,
  type OwnTable,
  type OwnTables,
} from './iptables-chains.js';
import { removalLines, section } from './iptables.js';

/** A table as it was read. */
export interface ReadTable extends OwnTable {
  /** Rules that use our chain and are not ours: while there is one, the chain cannot be removed. */
  readonly users: readonly string[];
}
export type ReadTables = Readonly<Record<IptablesTable, ReadTable>>;

const OWN_JUMP = new RegExp(`^-A (PREROUTING|OUTPUT) .*"${COMMENT_PREFIX}.* -j ${OWN_CHAIN}$`);
const USER = new RegExp(`^-A .*-[jg] ${OWN_CHAIN}$`);

/** Reads what `iptables -t TABLE -S` printed for one table. */
export function readTable(listing: string): ReadTable {
  const lines = listing.split('\n').map((line) => line.trimEnd());
  const jumps = lines.filter((line) => OWN_JUMP.test(line));
  return {
    chain: lines.includes(`-N ${OWN_CHAIN}`)
      ? lines.filter((line) => line.startsWith(`-A ${OWN_CHAIN} `))
      : undefined,
    jumps,
    users: lines.filter((line) => USER.test(line) && !jumps.includes(line)),
  };
}

/** Text for `iptables-restore --noflush` of one family; empty where `from` is `to` already. */
export function transition(from: OwnTables, to: OwnTables): string {
  return IPTABLES_TABLES.map((table) => {
    const lines = tableTransition(from[table], to[table]);
    return lines.length === 0 ? '' : section(table, lines);
  }).join('');
}

function tableTransition(from: OwnTable, to: OwnTable): string[] {
  if (to.chain === undefined) return removalLines(from);
  const surplus = without(from.jumps, to.jumps);
  return [
    // With --noflush, such a line makes the chain, or empties the one that is there.
    ...(sameRules(from.chain, to.chain) ? [] : [`:${OWN_CHAIN} - [0:0]`, ...to.chain]),
    ...removalLines({ chain: undefined, jumps: surplus }),
    ...without(to.jumps, from.jumps),
  ];
}

function sameRules(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.length === other.length && one.every((rule, at) => rule === other[at]);
}

/** `rules` less one of its equals for each of `others`. */
function without(rules: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rules.filter((rule) => {
    const at = left.indexOf(rule);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
