/**
 * The ruleset as text for `iptables-restore --noflush` and `ip6tables-restore --noflush`: the same for both,
 * since a line that begins with -4 or -6 is ignored by the other. `restore` has no "unless it is there", so the
 * text makes its chains with -N: on a second application that fails, and a table changes as a whole or not at all.
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

const APPLY_HEADER = `# Rules of conntrack-ftp, for iptables-restore --noflush and ip6tables-restore --noflush alike.
# They make chains of their own, named ${OWN_CHAIN}; nothing else is changed. If they are there already, the
# text fails at its first -N and changes nothing: \`conntrack-ftp rules iptables --apply\` may be repeated, and
# \`conntrack-ftp rules iptables --remove\` prints what takes them away.
`;

const REMOVE_HEADER = `# Takes the rules of conntrack-ftp away, for iptables-restore --noflush and ip6tables-restore --noflush alike.
`;

/** What the reader of the printed text has to know about a chain, and about the jumps to it. */
const REMARKS: Readonly<Record<IptablesTable, { readonly chain: string; readonly jumps: string }>> = {
  raw: {
    chain: `# Conntrack expects data connections only for a connection that has a helper: new control connections get one.
# It is an anchor and no more, reading FTP is the daemon's work.`,
    jumps: `# Appended: where a rule of yours has already chosen (NOTRACK, CT --zone, CT --helper), that stays.`,
  },
  mangle: {
    chain: `# To the daemon go segments with payload, the FIN behind them, and the SYN-ACK for its sequence numbers, of established
# connections that a client opened to an FTP port and that the daemon has not marked as done.`,
    jumps: `# Appended: a packet that goes to the daemon sees no further rule of its hook, so yours come first. If one of
# yours accepts FTP packets here, move the jump before it. Traffic of this host with itself is queued in OUTPUT only.`,
  },
};

const WORKERS_REMARK = `# The workers, each with its queue. A connection has its worker's number in its mark from its first packet here on, so all
# of its packets go to one queue, whatever its addresses are translated to; no other bit of the mark is changed.`;

/** The text that makes the rules. Throws `UsageError` for options that no ruleset can hold. */
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

/** The second chain, before the one that goes to it. */
function workersLines(four: OwnTable, six: OwnTable): string[] {
  if (four.workers === undefined) return [];
  return [WORKERS_REMARK, `-N ${WORKERS_CHAIN}`, ...forBothFamilies(four.workers, six.workers ?? [])];
}

/** The text that takes the rules away, whatever options they were made with. */
export function iptablesRemoval(): string {
  const { raw, mangle }: OwnTables = ownTables(RULES_DEFAULTS, 4);
  return [
    REMOVE_HEADER,
    section('raw', removalLines(raw)),
    // With --noflush, the first line makes the chain that there may be, or empties it.
    section('mangle', [`:${WORKERS_CHAIN} - [0:0]`, ...removalLines({ ...mangle, workers: [] })]),
  ].join('\n');
}

/** `-D`, `-F` and `-X` for all that is in `own`. */
export function removalLines(own: OwnTable): string[] {
  return [
    ...own.jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...(own.chain === undefined ? [] : [`-F ${OWN_CHAIN}`, `-X ${OWN_CHAIN}`]),
    ...(own.workers === undefined ? [] : [`-F ${WORKERS_CHAIN}`, `-X ${WORKERS_CHAIN}`]),
  ];
}

/** One table's part of a text for iptables-restore. */
export const section = (table: IptablesTable, lines: readonly string[]): string =>
  [`*${table}`, ...lines, 'COMMIT', ''].join('\n');

/** The rules of both families in one text: both have the same number of them. */
function forBothFamilies(four: readonly string[], six: readonly string[]): string[] {
  return four.flatMap((rule, at) => (rule === six[at] ? [rule] : [`-4 ${rule}`, `-6 ${six[at] ?? ''}`]));
}
