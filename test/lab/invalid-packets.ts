/**
 * The packets that conntrack of a host finds invalid, and why: `conntrack -S` counts them, a rule and the kernel itself log
 * them, and tshark reads that log.
 *
 * @module
 */
import { join } from 'node:path';
import type { Command } from './command.js';
import { invalidCount } from './conntrack.js';
import { restoreRules } from './firewall.js';
import type { Laboratory } from './laboratory.js';
import type { Namespace } from './namespace.js';
import type { RunningProcess } from './running-process.js';

/** What the rule writes before a packet. The kernel writes its reason, also before packets that it only ignores. */
const MARK = 'INVALID';
const GROUP = 0;

/** In front of all other rules of the first table after conntrack. A threshold of 1: nothing waits for more to be logged. */
const LOG_RULES = [
  '*mangle',
  ...['PREROUTING', 'OUTPUT'].map(
    (chain) =>
      `-I ${chain} -m conntrack --ctstate INVALID` +
      ` -j NFLOG --nflog-group ${GROUP} --nflog-threshold 1 --nflog-prefix ${MARK}`,
  ),
  'COMMIT',
  '',
].join('\n');

/** Reasons of all protocols, to the same log, in both families. */
const REASONS = {
  'net.netfilter.nf_log.2': 'nfnetlink_log',
  'net.netfilter.nf_log.10': 'nfnetlink_log',
  'net.netfilter.nf_conntrack_log_invalid': '255',
} as const;

const FIELDS = ['nflog.prefix', '_ws.col.Source', '_ws.col.Destination', '_ws.col.Info'] as const;

/**
 * A row of `FIELDS` for each entry, which is to say the same of a packet however often it is there: no remarks on what came
 * before, and of control connections the segments.
 */
const readLog = (file: string): Command => [
  'tshark',
  ...['-n', '-l', '-P', '-i', `nflog:${GROUP}`, '-w', file],
  ...['-o', 'tcp.analyze_sequence_numbers:FALSE', '--disable-protocol', 'ftp'],
  ...['-T', 'fields', ...FIELDS.flatMap((field) => ['-e', field])],
];

export class InvalidPackets {
  readonly #namespace: Namespace;
  readonly #reader: RunningProcess;

  private constructor(namespace: Namespace, reader: RunningProcess) {
    this.#namespace = namespace;
    this.#reader = reader;
  }

  /** Watches a host that has found no packet invalid yet. */
  static async watch(laboratory: Laboratory, namespace: Namespace): Promise<InvalidPackets> {
    const file = join(laboratory.makeFolder('invalid'), 'log.pcapng');
    const reader = await laboratory.start(namespace, readLog(file));
    await reader.waitUntil('log', async () => {
      const readers = await namespace.runChecked(['cat', '/proc/net/netfilter/nfnetlink_log']);
      return readers !== '';
    });
    await restoreRules(namespace, LOG_RULES);
    // Known only once a rule has made the kernel load its connection tracking.
    await namespace.setParameters(REASONS);
    return new InvalidPackets(namespace, reader);
  }

  /** All of them so far, oldest first: each packet as tshark reads it, and the kernel's reasons. */
  async found(): Promise<readonly string[]> {
    const count = await invalidCount(this.#namespace);
    return this.#reader.waitUntil(`${count} invalid packets`, () => {
      const described = this.#describeLogged();
      return described.length >= count && described;
    });
  }

  #describeLogged(): readonly string[] {
    const entries = this.#reader.stdout.map((line) => line.split('\t'));
    const reasons = new Map<string, Set<string>>();
    return entries.flatMap(([prefix = '', source = '', destination = '', info = '']) => {
      const packet = `${source} > ${destination}: ${info}`;
      const known = reasons.get(packet) ?? new Set();
      if (prefix !== MARK) {
        reasons.set(packet, known.add(prefix.trim()));
        return [];
      }
      return [`${packet} (${[...known].join('; ') || 'no reason given'})`];
    });
  }
}
