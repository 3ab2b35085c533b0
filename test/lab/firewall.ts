/**
 * Default-drop packet filters that accept only control connections and their related connections. Dropped packets are
 * counted, to prove that a failed transfer failed here.
 *
 * @module
 */
import { FAMILIES, type Family } from './family.js';
import type { Namespace } from './namespace.js';
import type { Placement } from './topology.js';

/** The start of each filter, which replaces any earlier one. Loopback and ICMPv6 (neighbour discovery) are accepted. */
const DROP_ALL = [
  '*filter',
  ':INPUT DROP [0:0]',
  ':FORWARD DROP [0:0]',
  ':OUTPUT DROP [0:0]',
  '-F',
  '-A INPUT -i lo -j ACCEPT',
  '-A OUTPUT -o lo -j ACCEPT',
  '-6 -A INPUT -p ipv6-icmp -j ACCEPT',
  '-6 -A OUTPUT -p ipv6-icmp -j ACCEPT',
] as const;

/** The chain that sees a new control connection, and those that see everything else of a session. */
const CHAINS: Readonly<Record<Placement, { control: string; all: readonly string[] }>> = {
  gateway: { control: 'FORWARD', all: ['FORWARD'] },
  'client-host': { control: 'OUTPUT', all: ['INPUT', 'OUTPUT'] },
  'server-host': { control: 'INPUT', all: ['INPUT', 'OUTPUT'] },
};

export interface FilterSettings {
  /** Ports of control connections. */
  readonly ports: readonly number[];
  /** The helper that control connections carry: data connections pass as related to such a one only. */
  readonly helper: string;
}

/** What `iptables-restore` and `ip6tables-restore` take: the filter of a host at `placement`. */
export function filterRules(placement: Placement, { ports, helper }: FilterSettings): string {
  const { control, all } = CHAINS[placement];
  const established = '-m conntrack --ctstate ESTABLISHED -j ACCEPT';
  const related = `-p tcp --dport 1024: -m conntrack --ctstate RELATED -m helper --helper ${helper} -j ACCEPT`;
  const opened = `-p tcp -m multiport --dports ${ports.join(',')} -m conntrack --ctstate NEW -j ACCEPT`;
  return [
    ...DROP_ALL,
    ...all.flatMap((chain) => [`-A ${chain} ${established}`, `-A ${chain} ${related}`]),
    `-A ${control} ${opened}`,
    'COMMIT',
    '',
  ].join('\n');
}

/** A filter of the given rules alone, in front of policies that drop everything. */
export const filterOf = (rules: readonly string[]): string =>
  [...DROP_ALL, ...rules, 'COMMIT', ''].join('\n');

/**
 * Loads `text` for both families; the tables that it does not name stay as they are. iptables-legacy has one lock for all
 * namespaces, so this waits for the lock.
 */
export async function restoreRules(namespace: Namespace, text: string): Promise<void> {
  for (const family of FAMILIES) {
    await namespace.runChecked([restoreProgram(family), '--noflush', '--wait'], { input: text });
  }
}

/** Packets that the policies of the three filter chains dropped. */
export async function droppedPackets(namespace: Namespace, family: Family): Promise<number> {
  const program = family === 4 ? 'iptables-save' : 'ip6tables-save';
  const saved = await namespace.runChecked([program, '--counters', '--table', 'filter']);
  const policies = saved.matchAll(/^:\S+ DROP \[(\d+):\d+\]$/gm);
  return [...policies].reduce((total, [, packets]) => total + Number(packets), 0);
}

const restoreProgram = (family: Family): string => (family === 4 ? 'iptables-restore' : 'ip6tables-restore');
