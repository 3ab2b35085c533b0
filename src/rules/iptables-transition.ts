/**
 * Reads the project's part from `iptables -t TABLE -S`, and generates the text that turns one state into another.
 * Applied to the state just read, the text can be repeated and repairs a partial ruleset; with the two states
 * exchanged it reverts a change.
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

/** A table as read from the kernel. */
export interface ReadTable extends OwnTable {
  /** The administrator's rules that use one of the own chains: such a chain cannot be removed. */
  readonly users: readonly ChainUser[];
}
export type ReadTables = Readonly<Record<IptablesTable, ReadTable>>;

const OWN_JUMP = new RegExp(`^-A (PREROUTING|OUTPUT) .*"${COMMENT_PREFIX}.* -j ${OWN_CHAIN}$`);
const OWN_RULE = new RegExp(`^-A (${OWN_CHAIN}|${WORKERS_CHAIN}) `);
const USER = new RegExp(`^-A .*-[jg] (${OWN_CHAIN}|${WORKERS_CHAIN})$`);

/** Parses the output of `iptables -t TABLE -S`. */
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

/** The first rule of the administrator that prevents the transition because its chain would be removed. */
export function obstacle(from: ReadTable, to: OwnTable): ChainUser | undefined {
  return from.users.find(({ chain }) => (chain === OWN_CHAIN ? to.chain : to.workers) === undefined);
}

/** Text for `iptables-restore --noflush` of one family; empty if `from` equals `to`. */
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

/** With --noflush, the first of these lines creates the chain or empties an existing one. */
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

/** `rules` without one equal element for each of `others`. */
function without(rules: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rules.filter((rule) => {
    const at = left.indexOf(rule);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
