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
  WORKERS_CHAIN,
  type IptablesTable,
  type OwnTable,
  type OwnTables,
} from './iptables-chains.js';
import { removalLines, section } from './iptables.js';

export interface ChainUser {
  readonly chain: string;
  readonly rule: string;
}

/** A table as it was read. */
export interface ReadTable extends OwnTable {
  /** Rules that use a chain of ours and are not ours: while there is one, that chain cannot be removed. */
  readonly users: readonly ChainUser[];
}
export type ReadTables = Readonly<Record<IptablesTable, ReadTable>>;

const OWN_JUMP = new RegExp(`^-A (PREROUTING|OUTPUT) .*"${COMMENT_PREFIX}.* -j ${OWN_CHAIN}$`);
const OWN_RULE = new RegExp(`^-A (${OWN_CHAIN}|${WORKERS_CHAIN}) `);
const USER = new RegExp(`^-A .*-[jg] (${OWN_CHAIN}|${WORKERS_CHAIN})$`);

/** Reads what `iptables -t TABLE -S` printed for one table. */
export function readTable(listing: string): ReadTable {
  const lines = listing.split('\n').map((line) => line.trimEnd());
  const rulesOf = (chain: string): readonly string[] | undefined =>
    lines.includes(`-N ${chain}`) ? lines.filter((line) => line.startsWith(`-A ${chain} `)) : undefined;
  return {
    chain: rulesOf(OWN_CHAIN),
    workers: rulesOf(WORKERS_CHAIN),
    jumps: lines.filter((line) => OWN_JUMP.test(line)),
    users: lines.flatMap((rule) => {
      const chain = OWN_JUMP.test(rule) || OWN_RULE.test(rule) ? undefined : USER.exec(rule)?.[1];
      return chain === undefined ? [] : [{ chain, rule }];
    }),
  };
}

/** The first rule of others that stands in the way from one state to the other: its chain is to go. */
export function obstacle(from: ReadTable, to: OwnTable): ChainUser | undefined {
  return from.users.find(({ chain }) => (chain === OWN_CHAIN ? to.chain : to.workers) === undefined);
}

/** Text for `iptables-restore --noflush` of one family; empty where `from` is `to` already. */
export function transition(from: OwnTables, to: OwnTables): string {
  return IPTABLES_TABLES.map((table) => {
    const lines = tableTransition(from[table], to[table]);
    return lines.length === 0 ? '' : section(table, lines);
  }).join('');
}

function tableTransition(from: OwnTable, to: OwnTable): string[] {
  const surplus = {
    chain: to.chain === undefined ? from.chain : undefined,
    workers: to.workers === undefined ? from.workers : undefined,
    jumps: without(from.jumps, to.jumps),
  };
  return [
    ...chainLines(WORKERS_CHAIN, from.workers, to.workers),
    ...chainLines(OWN_CHAIN, from.chain, to.chain),
    ...removalLines(surplus),
    ...without(to.jumps, from.jumps),
  ];
}

/** With --noflush, the first of these lines makes the chain, or empties the one that is there. */
function chainLines(
  chain: string,
  from: readonly string[] | undefined,
  to: readonly string[] | undefined,
): readonly string[] {
  return to === undefined || sameRules(from, to) ? [] : [`:${chain} - [0:0]`, ...to];
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
