/**
 * `rules … --apply`: applies or removes the rules; it may be repeated. Both address families change or neither: after
 * a failure the earlier changes are rolled back. Only our own chains and jumps are touched.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { RulesetRejected } from '../errors.js';
import {
  IPTABLES_TABLES,
  NO_TABLES,
  ownTables,
  type Family,
  type IptablesTable,
  type OwnTables,
} from '../rules/iptables-chains.js';
import {
  obstacle,
  readTable,
  transition,
  type ReadTable,
  type ReadTables,
} from '../rules/iptables-transition.js';
import { iptablesNeeds, nftNeeds } from '../rules/needs.js';
import { nftRemoval, nftRules } from '../rules/nft.js';
import type { RulesOptions } from '../rules/options.js';
import {
  missingPieces,
  obviousError,
  rejected,
  runTool,
  type RunTool,
  type ToolResult,
} from './netfilter-tool.js';

/** What applying needs of the host; tests pass another one. */
export interface RulesHost {
  readonly run: RunTool;
  readonly hasIpv6: () => boolean;
}

export const THIS_HOST: RulesHost = { run: runTool, hasIpv6: () => existsSync('/proc/net/if_inet6') };

/** `unchanged`: everything was there already. `no-ipv6`: this host has no IPv6, so there is nothing to filter. */
export type RulesChange = 'made' | 'removed' | 'unchanged' | 'no-ipv6';
export interface AppliedRules {
  readonly where: 'IPv4' | 'IPv6' | 'nftables';
  readonly change: RulesChange;
}

const TOOLS = {
  4: { where: 'IPv4', list: 'iptables', restore: 'iptables-restore' },
  6: { where: 'IPv6', list: 'ip6tables', restore: 'ip6tables-restore' },
} as const;

/** Seconds to wait for another program that holds the xtables lock. */
const WAIT = ['--wait', '10'] as const;
const RESTORE = ['--noflush', ...WAIT] as const;

/** Replaces our rules by those that `options` ask for; `undefined` removes them. */
export function applyIptables(
  options: RulesOptions | undefined,
  host: RulesHost = THIS_HOST,
): AppliedRules[] {
  const families: readonly Family[] = host.hasIpv6() ? [4, 6] : [4];
  const steps = families.map((family) => ({
    family,
    before: readTables(host, family),
    after: options === undefined ? NO_TABLES : ownTables(options, family),
  }));
  for (const { family, before, after } of steps) refuseWhileUsed(family, before, after);

  const texts = steps.map(({ before, after }) => transition(before, after));
  for (const [at, { family }] of steps.entries()) {
    const result = restore(host, family, texts[at] ?? '');
    if (result.status === 0) continue;
    const refused = refusal(host, family, result, options);
    for (const done of steps.slice(0, at + 1)) takeBack(host, done.family, done.before, refused);
    throw refused;
  }

  const change = options === undefined ? 'removed' : 'made';
  const applied = steps.map(({ family }, at): AppliedRules => {
    return { where: TOOLS[family].where, change: texts[at] === '' ? 'unchanged' : change };
  });
  return families.includes(6) ? applied : [...applied, { where: 'IPv6', change: 'no-ipv6' }];
}

/** The same for nft, in one transaction. */
export function applyNft(options: RulesOptions | undefined, host: RulesHost = THIS_HOST): AppliedRules[] {
  const text = options === undefined ? nftRemoval() : nftRules(options);
  const result = host.run('nft', ['-f', '-'], text);
  if (result.status !== 0) {
    throw (
      obviousError('nft', result) ??
      (options && missingPieces(host.run, 'nft', ['--check', '-f', '-'], nftNeeds(options))) ??
      rejected('nft', result)
    );
  }
  return [{ where: 'nftables', change: options === undefined ? 'removed' : 'made' }];
}

function readTables(host: RulesHost, family: Family): ReadTables {
  const tool = TOOLS[family].list;
  const read = (table: IptablesTable): ReadTable => {
    const result = host.run(tool, [...WAIT, '-t', table, '-S']);
    if (result.status !== 0) throw obviousError(tool, result) ?? rejected(tool, result);
    return readTable(result.output);
  };
  return { raw: read('raw'), mangle: read('mangle') };
}

/** iptables-restore cannot remove a chain that a rule of the administrator jumps to. */
function refuseWhileUsed(family: Family, before: ReadTables, after: OwnTables): void {
  for (const table of IPTABLES_TABLES) {
    const user = obstacle(before[table], after[table]);
    if (user === undefined) continue;
    const { chain, rule } = user;
    throw new RulesetRejected(
      `${TOOLS[family].where}, table ${table}: one of your own rules uses ${chain}: ${rule}`,
      {
        remedy: `remove that rule first: ${TOOLS[family].list} -t ${table} ${rule.replace(/^-A/, '-D')}`,
      },
    );
  }
}

/** An empty text changes nothing and needs no run. */
function restore(host: RulesHost, family: Family, text: string): ToolResult {
  if (text === '') return { status: 0, output: '', complaint: '' };
  return host.run(TOOLS[family].restore, RESTORE, text);
}

function takeBack(host: RulesHost, family: Family, before: OwnTables, refused: Error): void {
  const { where, restore: tool } = TOOLS[family];
  const result = restore(host, family, transition(readTables(host, family), before));
  if (result.status === 0) return;
  throw new RulesetRejected(
    `${refused.message}; the rollback of ${where} failed: ${tool}: ${result.complaint}`,
    { remedy: 'run `conntrack-ftp rules iptables --apply --remove`', cause: refused },
  );
}

function refusal(
  host: RulesHost,
  family: Family,
  result: ToolResult,
  options: RulesOptions | undefined,
): Error {
  const tool = TOOLS[family].restore;
  return (
    obviousError(tool, result) ??
    (options && missingPieces(host.run, tool, RESTORE, iptablesNeeds(options))) ??
    rejected(tool, result)
  );
}
