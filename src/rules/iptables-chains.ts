/**
 * The chains and rules that this project owns in iptables: in `raw` and in `mangle` one chain named
 * `CONNTRACK_FTP`, and jumps to it from PREROUTING and OUTPUT. With several workers, `mangle` has a second chain
 * that the first one goes to. All other rules, chains and policies belong to the administrator and are not touched.
 * Rules are lines as `iptables -S` prints them, so that wanted and existing rules can be compared.
 *
 * @module
 */
import { PAYLOAD_FILTERS } from './payload-filter.js';
import { checkRulesOptions, workerBits, type RulesOptions } from './options.js';

/** IP version: iptables handles the two separately. */
export type Family = 4 | 6;

export const IPTABLES_TABLES = ['raw', 'mangle'] as const;
export type IptablesTable = (typeof IPTABLES_TABLES)[number];

/** The same name in both tables. At most 28 characters: XT_EXTENSION_MAXNAMELEN minus its NUL. */
export const OWN_CHAIN = 'CONNTRACK_FTP';
/** The chain that shares connections among several workers. */
export const WORKERS_CHAIN = 'CONNTRACK_FTP_WORKERS';
/** Prefix of each rule's comment, by which the administrator and this program recognize the rules. */
export const COMMENT_PREFIX = 'conntrack-ftp: ';

/** The project's part of one table of one family. */
export interface OwnTable {
  /** The rules of the own chain, `-A CONNTRACK_FTP …`; `undefined` if there is no such chain. */
  readonly chain: readonly string[] | undefined;
  /** The same for the second chain, `-A CONNTRACK_FTP_WORKERS …`. */
  readonly workers: readonly string[] | undefined;
  /** The own rules in built-in chains, `-A PREROUTING … -j CONNTRACK_FTP`. */
  readonly jumps: readonly string[];
}
export type OwnTables = Readonly<Record<IptablesTable, OwnTable>>;

const NOTHING: OwnTable = { chain: undefined, workers: undefined, jumps: [] };
export const NO_TABLES: OwnTables = { raw: NOTHING, mangle: NOTHING };

/** The wanted content of the tables of `family`. Throws `UsageError` for options that no ruleset can express. */
export function ownTables(options: RulesOptions, family: Family): OwnTables {
  checkRulesOptions(options);
  return {
    raw: {
      chain: [carrierHelperRule(options)],
      workers: undefined,
      jumps: [jump('PREROUTING', '-p tcp'), jump('OUTPUT', '-p tcp')],
    },
    mangle: {
      chain: options.ports.map((port) => queueRule(options, port, PAYLOAD_FILTERS[family])),
      workers: options.workers === 1 ? undefined : workerRules(options),
      // Traffic of the host with itself passes OUTPUT and then, over lo, PREROUTING; it is queued once.
      jumps: [jump('PREROUTING', '! -i lo -p tcp'), jump('OUTPUT', '-p tcp')],
    },
  };
}

/** The CT target acts on packets that conntrack has not seen yet; conntrack applies it to new connections only. */
function carrierHelperRule({ ports, helper }: RulesOptions): string {
  return ownRule(
    `-p tcp -m multiport --dports ${ports.join(',')}`,
    'carrier helper',
    `CT --helper ${helper}`,
  );
}

/**
 * `--ctorigdstport` is the port that the client addressed, taken from the connection instead of the packet, so both
 * directions match even if DNAT changes the port.
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
 * Sends the packet to the queue of the connection's worker. The remaining connections have no worker, or the number
 * of one that no longer exists; they are distributed evenly. Only packets to be queued reach this chain, so a
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
    // Of the connections that reach this rule; the last rule takes all.
    const every = workers - worker + 1;
    const share = every === 1 ? '' : `-m statistic --mode nth --every ${every} --packet 0 `;
    const matches = `-m connmark --mark ${marked(0)} ${share}`;
    return workerRule(matches, `for worker ${worker}`, `CONNMARK --set-xmark ${marked(worker)}`);
  });
  const clear = workerRule('', 'no such worker', `CONNMARK --set-xmark ${marked(0)}`);
  return [...toQueues, clear, ...assignments, ...toQueues];
}

/** A value that is its own mask; iptables omits a mask of 32 bits. */
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
