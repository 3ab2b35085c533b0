/**
 * Reads the conntrack table of a namespace with `conntrack` of conntrack-tools, so that claims about the table come from
 * a program other than the one under test.
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Family } from './family.js';
import type { Laboratory } from './laboratory.js';
import type { Namespace } from './namespace.js';
import type { RunningProcess } from './running-process.js';

/** One direction of a connection, as text: `sport` 0 in an expectation is any port. */
export interface TextTuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface ExpectationEvent {
  readonly kind: 'NEW' | 'DESTROY';
  /** The connection that is expected. */
  readonly tuple: TextTuple;
  /** The control connection that it belongs to. */
  readonly master: TextTuple;
  /** The line itself. */
  readonly line: string;
}

const EXPECTATION_LINE =
  /^\s*\[(NEW|DESTROY)\].* src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .* master-src=(\S+) master-dst=(\S+) sport=(\d+) dport=(\d+)/;
const CONNECTION_LINE = /^tcp .*? src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) /;

/** NETLINK_NETFILTER, in `/proc/net/netlink`. */
const NETLINK_NETFILTER = '12';

/** `conntrack -E expect`, running since before the first expectation of interest. */
export class ExpectationWatch {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(laboratory: Laboratory, namespace: Namespace): Promise<ExpectationWatch> {
    const running = await laboratory.start(namespace, ['conntrack', '-E', 'expect']);
    await running.waitUntil('subscription', () => isSubscribed(running.pid));
    return new ExpectationWatch(running);
  }

  /** All events so far, oldest first. */
  get events(): readonly ExpectationEvent[] {
    return this.#process.stdout.flatMap((line) => parseExpectation(line) ?? []);
  }

  /** Waits for the first new expectation after the first `seen` events. */
  async awaitExpectation(seen: number): Promise<ExpectationEvent> {
    return this.#process.waitUntil('expectation', () =>
      this.events.slice(seen).find((event) => event.kind === 'NEW'),
    );
  }

  /** Waits for `count` new expectations after the first `seen` events, and returns them. */
  async awaitExpectations(count: number, seen: number): Promise<readonly ExpectationEvent[]> {
    return this.#process.waitUntil(`${count} expectations`, () => {
      const made = this.events.slice(seen).filter((event) => event.kind === 'NEW');
      return made.length >= count && made;
    });
  }
}

/** The table as `conntrack -L` prints it, one connection per line. */
export async function connectionLines(
  namespace: Namespace,
  family: Family,
  ...filter: string[]
): Promise<readonly string[]> {
  const listing = await namespace.runChecked(['conntrack', '-L', '-f', `ipv${family}`, ...filter]);
  return listing.split('\n').filter((line) => line !== '');
}

/** Connections that matched an expectation (IPS_EXPECTED): the original direction of each. */
export async function relatedConnections(
  namespace: Namespace,
  family: Family,
): Promise<readonly TextTuple[]> {
  const lines = await connectionLines(namespace, family, '--status', 'EXPECTED');
  return lines.flatMap((line) => {
    const match = CONNECTION_LINE.exec(line);
    return match === null ? [] : [tupleOf(match, 1)];
  });
}

/** Packets that conntrack found invalid since the namespace was created. */
export async function invalidCount(namespace: Namespace): Promise<number> {
  const statistics = await namespace.runChecked(['conntrack', '-S']);
  return [...statistics.matchAll(/ invalid=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Deletes every connection. */
export async function flushConnections(namespace: Namespace): Promise<void> {
  await namespace.runChecked(['conntrack', '-F']);
}

/** Clients of the test connections with which the daemon probes the kernel when it starts. */
const TRIED_OUT_BY = ['192.0.2.1', '2001:db8::1'];

function parseExpectation(line: string): ExpectationEvent | undefined {
  const match = EXPECTATION_LINE.exec(line);
  if (match === null || TRIED_OUT_BY.includes(match[6] ?? '')) return undefined;
  return {
    kind: match[1] === 'NEW' ? 'NEW' : 'DESTROY',
    tuple: tupleOf(match, 2),
    master: tupleOf(match, 6),
    line: line.trim(),
  };
}

/** The four groups from `at` on. */
function tupleOf(match: RegExpExecArray, at: number): TextTuple {
  const [source = '', destination = '', sourcePort, destinationPort] = match.slice(at, at + 4);
  return {
    source,
    destination,
    sourcePort: Number(sourcePort),
    destinationPort: Number(destinationPort),
  };
}

/** One of its sockets has joined multicast groups: columns of `/proc/net/netlink` are sk, Eth, Pid, Groups …, inode. */
function isSubscribed(pid: number): boolean {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkTarget(`/proc/${pid}/fd/${fd}`)));
  const rows = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').split('\n');
  return rows.some((row) => {
    const columns = row.trim().split(/\s+/);
    const [, protocol, , groups = ''] = columns;
    return (
      protocol === NETLINK_NETFILTER &&
      /[1-9a-f]/.test(groups) &&
      sockets.has(`socket:[${columns.at(-1) ?? ''}]`)
    );
  });
}

/** `undefined` for a descriptor that was closed since it was listed. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
