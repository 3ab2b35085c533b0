/**
 * What of iptables' tables is ours: in `raw` and in `mangle` one chain named `CONNTRACK_FTP`, and a jump to
 * it from PREROUTING and OUTPUT; where there are several workers, in `mangle` another chain that the first one goes
 * to. All else (rules, chains, policies) is the administrator's and is left alone.
 * Rules are lines as `iptables -S` prints them, so that what was made can be compared with what is there.
 *
 * @module
 */
import { PAYLOAD_FILTERS } from './payload-filter.js';
import { checkRulesOptions, workerBits, type RulesOptions } from './options.js';

/** IP version: iptables keeps the two apart. */
export type Family = 4 | 6;

export const IPTABLES_TABLES = ['raw', 'mangle'] as const;
export type IptablesTable = (typeof IPTABLES_TABLES)[number];

/** The same in both tables. At most 28 characters, XT_EXTENSION_MAXNAMELEN less its NUL. */
export const OWN_CHAIN = 'CONNTRACK_FTP';
/** Where several workers share the connections. */
export const WORKERS_CHAIN = 'CONNTRACK_FTP_WORKERS';
/** How each comment of ours begins, so that an administrator recognises the rules, and so do we. */
export const COMMENT_PREFIX = 'conntrack-ftp: ';

/** What is ours in one table of one family. */
export interface OwnTable {
  /** The rules of our chain, `-A CONNTRACK_FTP …`; `undefined` where there is no such chain. */
  readonly chain: readonly string[] | undefined;
  /** The same of the second chain, `-A CONNTRACK_FTP_WORKERS …`. */
  readonly workers: readonly string[] | undefined;
  /** Our rules in built-in chains, `-A PREROUTING … -j CONNTRACK_FTP`. */
  readonly jumps: readonly string[];
}
export type OwnTables = Readonly<Record<IptablesTable, OwnTable>>;

const NOTHING: OwnTable = { chain: undefined, workers: undefined, jumps: [] };
export const NO_TABLES: OwnTables = { raw: NOTHING, mangle: NOTHING };

/** What the tables of `family` shall hold. Throws `UsageError` for options that no ruleset can hold. */
export function ownTables(options: RulesOptions, family: Family): OwnTables {
  checkRulesOptions(options);
  return {
    raw: {
      chain: [helperRule(options)],
      workers: undefined,
      jumps: [jump('PREROUTING', '-p tcp'), jump('OUTPUT', '-p tcp')],
    },
    mangle: {
      chain: options.ports.map((port) => queueRule(options, port, PAYLOAD_FILTERS[family])),
      workers: options.workers === 1 ? undefined : workerRules(options),
      // Traffic of the host with itself passes OUTPUT and then, by lo, PREROUTING: once is enough.
      jumps: [jump('PREROUTING', '! -i lo -p tcp'), jump('OUTPUT', '-p tcp')],
    },
  };
}

/** The CT target acts on a packet that conntrack has not seen; conntrack uses it for new connections only. */
function helperRule({ ports, helper }: RulesOptions): string {
  return ownRule(`-p tcp -m multiport --dports ${ports.join(',')}`, 'anchor', `CT --helper ${helper}`);
}

/**
 * The port is the one that the client addressed, of the connection and not of the packet: so both directions
 * are found even where DNAT changes the port.
 */
function queueRule(options: RulesOptions, port: number, bytecode: string): string {
  const { mark, workers } = options;
  const matches = [
    '-p tcp',
    `-m conntrack --ctstate ESTABLISHED --ctorigdstport ${port}`,
    `-m connmark ! --mark ${allBits(mark)}`,
    `-m bpf --bytecode "${bytecode}"`,
  ];
  const target = workers === 1 ? queueTarget(options, 1) : WORKERS_CHAIN;
  return ownRule(matches.join(' '), 'payload, FIN or SYN-ACK', target);
}

const queueTarget = ({ queue, failClosed }: RulesOptions, worker: number): string =>
  `NFQUEUE --queue-num ${queue + worker - 1}${failClosed ? '' : ' --queue-bypass'}`;

/**
 * To the queue of the connection's worker. What is left then has none, or one that an earlier ruleset gave it and that
 * is gone: each worker gets as many of those as the others. Nothing passes here before it is to be queued, so a
 * connection's first packet here is its SYN-ACK.
 */
function workerRules(options: RulesOptions): string[] {
  const { workers, workerMark } = options;
  const numbers = Array.from({ length: workers }, (_, at) => at + 1);
  const marked = (worker: number): string => `0x${workerBits(options, worker).toString(16)}/${mask}`;
  const mask = `0x${workerMark.toString(16)}`;
  const toQueues = numbers.map((worker) =>
    workerRule(`-m connmark --mark ${marked(worker)} `, `worker ${worker}`, queueTarget(options, worker)),
  );
  const assignments = numbers.map((worker) => {
    // Of those that come to this rule; the last one takes all.
    const every = workers - worker + 1;
    const share = every === 1 ? '' : `-m statistic --mode nth --every ${every} --packet 0 `;
    const matches = `-m connmark --mark ${marked(0)} ${share}`;
    return workerRule(matches, `for worker ${worker}`, `CONNMARK --set-xmark ${marked(worker)}`);
  });
  const clear = workerRule('', 'no such worker', `CONNMARK --set-xmark ${marked(0)}`);
  return [...toQueues, clear, ...assignments, ...toQueues];
}

/** A value that is its own mask; iptables leaves out a mask of 32 bits. */
function allBits(mark: number): string {
  const bits = `0x${mark.toString(16)}`;
  return mark === 0xffff_ffff ? bits : `${bits}/${bits}`;
}

const ownRule = (matches: string, comment: string, target: string): string =>
  `-A ${OWN_CHAIN} ${matches} ${commentMatch(comment)} -j ${target}`;

const workerRule = (matches: string, comment: string, target: string): string =>
  `-A ${WORKERS_CHAIN} ${matches}${commentMatch(comment)} -j ${target}`;

const jump = (builtIn: string, matches: string): string =>
  `-A ${builtIn} ${matches} ${commentMatch('FTP control connections')} -j ${OWN_CHAIN}`;

const commentMatch = (comment: string): string => `-m comment --comment "${COMMENT_PREFIX}${comment}"`;
