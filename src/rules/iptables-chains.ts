/**
 * What of iptables' tables is ours: in `raw` and in `mangle` one chain named `CONNTRACK_FTP`, and a jump to
 * it from PREROUTING and OUTPUT. All else (rules, chains, policies) is the administrator's and is left alone.
 * Rules are lines as `iptables -S` prints them, so that what was made can be compared with what is there.
 *
 * @module
 */
import { PAYLOAD_FILTERS } from './payload-filter.js';
import { checkRulesOptions, type RulesOptions } from './options.js';

/** IP version: iptables keeps the two apart. */
export type Family = 4 | 6;

export const IPTABLES_TABLES = ['raw', 'mangle'] as const;
export type IptablesTable = (typeof IPTABLES_TABLES)[number];

/** The same in both tables. At most 28 characters, XT_EXTENSION_MAXNAMELEN less its NUL. */
export const OWN_CHAIN = 'CONNTRACK_FTP';
/** How each comment of ours begins, so that an administrator recognises the rules, and so do we. */
export const COMMENT_PREFIX = 'conntrack-ftp: ';

/** What is ours in one table of one family. */
export interface OwnTable {
  /** The rules of our chain, `-A CONNTRACK_FTP …`; `undefined` where there is no such chain. */
  readonly chain: readonly string[] | undefined;
  /** Our rules in built-in chains, `-A PREROUTING … -j CONNTRACK_FTP`. */
  readonly jumps: readonly string[];
}
export type OwnTables = Readonly<Record<IptablesTable, OwnTable>>;

const NOTHING: OwnTable = { chain: undefined, jumps: [] };
export const NO_TABLES: OwnTables = { raw: NOTHING, mangle: NOTHING };

/** What the tables of `family` shall hold. Throws `UsageError` for options that no ruleset can hold. */
export function ownTables(options: RulesOptions, family: Family): OwnTables {
  checkRulesOptions(options);
  return {
    raw: {
      chain: [anchorRule(options)],
      jumps: [jump('PREROUTING', '-p tcp'), jump('OUTPUT', '-p tcp')],
    },
    mangle: {
      chain: options.ports.map((port) => queueRule(options, port, PAYLOAD_FILTERS[family])),
      // Traffic of the host with itself passes OUTPUT and then, by lo, PREROUTING: once is enough.
      jumps: [jump('PREROUTING', '! -i lo -p tcp'), jump('OUTPUT', '-p tcp')],
    },
  };
}

/** The CT target acts on a packet that conntrack has not seen; conntrack uses it for new connections only. */
function anchorRule({ ports, anchor }: RulesOptions): string {
  return ownRule(`-p tcp -m multiport --dports ${ports.join(',')}`, 'anchor', `CT --helper ${anchor}`);
}

/**
 * The port is the one that the client addressed, of the connection and not of the packet: so both directions
 * are found even where DNAT changes the port.
 */
function queueRule({ queue, mark, failClosed }: RulesOptions, port: number, bytecode: string): string {
  const matches = [
    '-p tcp',
    `-m conntrack --ctstate ESTABLISHED --ctorigdstport ${port}`,
    `-m connmark ! --mark ${allBits(mark)}`,
    `-m bpf --bytecode "${bytecode}"`,
  ];
  const target = `NFQUEUE --queue-num ${queue}${failClosed ? '' : ' --queue-bypass'}`;
  return ownRule(matches.join(' '), 'payload, FIN or SYN-ACK', target);
}

/** A value that is its own mask; iptables leaves out a mask of 32 bits. */
function allBits(mark: number): string {
  const bits = `0x${mark.toString(16)}`;
  return mark === 0xffff_ffff ? bits : `${bits}/${bits}`;
}

const ownRule = (matches: string, comment: string, target: string): string =>
  `-A ${OWN_CHAIN} ${matches} ${commentMatch(comment)} -j ${target}`;

const jump = (builtIn: string, matches: string): string =>
  `-A ${builtIn} ${matches} ${commentMatch('FTP control connections')} -j ${OWN_CHAIN}`;

const commentMatch = (comment: string): string => `-m comment --comment "${COMMENT_PREFIX}${comment}"`;
