/**
 * The ruleset as text for `iptables-restore --noflush` and `ip6tables-restore --noflush`. One text serves both,
 * because each ignores lines that begin with the other's -4 or -6. `restore` has no "unless it exists", so the text
 * creates its chains with -N: a second application fails there, and a table changes completely or not at all.
 *
 * @module
 */
import {
  IPTABLES_TABLES,
  OWN_CHAIN,
  ownTables,
  WORKERS_CHAIN,
  type IptablesTable,
  type OwnTable,
  type OwnTables,
} from './iptables-chains.js';
import { RULES_DEFAULTS, type RulesOptions } from './options.js';

const APPLY_HEADER = `# Rules of conntrack-ftp, for both iptables-restore --noflush and ip6tables-restore --noflush.
# They create their own chains, named ${OWN_CHAIN}*, and change nothing else. If the chains exist already,
# the text fails at its first -N and changes nothing. \`conntrack-ftp rules iptables --apply\` can be repeated;
# \`conntrack-ftp rules iptables --remove\` prints the text that removes the rules.
`;

const REMOVE_HEADER = `# Removes the rules of conntrack-ftp, for both iptables-restore --noflush and ip6tables-restore --noflush.
`;

/** Remarks in the printed text about a chain and the jumps to it. */
const REMARKS: Readonly<Record<IptablesTable, { readonly chain: string; readonly jumps: string }>> = {
  raw: {
    chain: `# Conntrack accepts expectations only for connections with a helper, so new control connections get one. It is
# only a carrier helper: the daemon reads FTP.`,
    jumps: `# Appended, so that your own NOTRACK, CT --zone and CT --helper rules take precedence.`,
  },
  mangle: {
    chain: `# Of established connections that a client opened to an FTP port, these packets are queued: segments with payload, the
# FIN that follows, and the SYN-ACK (for its sequence numbers). Connections that the daemon marked as done are skipped.`,
    jumps: `# Appended, so that your own rules come first: a queued packet skips the remaining rules of its hook. If one of
# them accepts FTP packets here, move the jump before it. Traffic of this host with itself is queued in OUTPUT only.`,
  },
};

const WORKERS_REMARK = `# Each worker has its own queue. The first packet here writes the worker's number into the connection's mark, so all
# packets of the connection go to one queue, regardless of NAT; no other bit of the mark changes.`;

/** The text that creates the rules. Throws `UsageError` for options that no ruleset can express. */
export function iptablesRules(options: RulesOptions): string {
  const four = ownTables(options, 4);
  const six = ownTables(options, 6);
  const sections = IPTABLES_TABLES.map((table) =>
    section(table, [
      ...workersLines(four[table], six[table]),
      REMARKS[table].chain,
      `-N ${OWN_CHAIN}`,
      ...forBothFamilies(four[table].chain ?? [], six[table].chain ?? []),
      REMARKS[table].jumps,
      ...four[table].jumps,
    ]),
  );
  return [APPLY_HEADER, ...sections].join('\n');
}

/** The second chain, ahead of the chain that goes to it. */
function workersLines(four: OwnTable, six: OwnTable): string[] {
  if (four.workers === undefined) return [];
  return [WORKERS_REMARK, `-N ${WORKERS_CHAIN}`, ...forBothFamilies(four.workers, six.workers ?? [])];
}

/** The text that removes the rules, regardless of the options that created them. */
export function iptablesRemoval(): string {
  const { raw, mangle }: OwnTables = ownTables(RULES_DEFAULTS, 4);
  return [
    REMOVE_HEADER,
    section('raw', removalLines(raw)),
    // With --noflush, the first line creates the chain or empties an existing one.
    section('mangle', [`:${WORKERS_CHAIN} - [0:0]`, ...removalLines({ ...mangle, workers: [] })]),
  ].join('\n');
}

/** `-D`, `-F` and `-X` for everything in `own`. */
export function removalLines(own: OwnTable): string[] {
  return [
    ...own.jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...(own.chain === undefined ? [] : [`-F ${OWN_CHAIN}`, `-X ${OWN_CHAIN}`]),
    ...(own.workers === undefined ? [] : [`-F ${WORKERS_CHAIN}`, `-X ${WORKERS_CHAIN}`]),
  ];
}

/** One table's section of a text for iptables-restore. */
export const section = (table: IptablesTable, lines: readonly string[]): string =>
  [`*${table}`, ...lines, 'COMMIT', ''].join('\n');

/** Merges the rules of both families, which are equal in number, into one text. */
function forBothFamilies(four: readonly string[], six: readonly string[]): string[] {
  return four.flatMap((rule, at) => (rule === six[at] ? [rule] : [`-4 ${rule}`, `-6 ${six[at] ?? ''}`]));
}
