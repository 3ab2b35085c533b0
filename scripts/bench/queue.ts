/**
 * The part `queue`: packets of many control connections through the NFQUEUE of a gateway, read by the daemon or by a program that
 * accepts them unread. Root or a user namespace: client, gateway and server are network namespaces.
 *
 * What has had its verdict is dropped at the next hook: what a firewall does with a packet afterwards is the same for all, and
 * would be counted as the reader's, which is who does it.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { loadDaemonRules } from '../../test/lab/daemon.js';
import { Laboratory } from '../../test/lab/laboratory.js';
import type { Namespace } from '../../test/lab/namespace.js';
import { queueState } from '../../test/lab/queue-state.js';
import { buildTopology, type Topology } from '../../test/lab/topology.js';
import { SERVER_PORT } from './dialogue.js';
import { buildNfqueue, buildProgram, pathOf } from './queue-programs.js';
import { queueReaders, type StartReader } from './queue-readers.js';
import type { Figures, Part } from './trial.js';

const CONNECTIONS = 1024;
/** Fewer than the kernel's own limit of a queue, 1,024, which not every reader can raise. */
const MOST_WAITING = 768;
/** By then the daemon's code is compiled as it will stay. */
const WARM_UP_MS = 1500;
const MEASURED_MS = 3000;
/** Shorter, and there may be none. */
const LEAST_MS = 200;
/** Of the times in /proc: USER_HZ, which is 100 on every architecture that Node runs on. */
const NANOSECONDS_PER_TICK = 1e7;

/** Only what says something: the opening of a connection has to pass, or conntrack would not remember it. */
const DROP_BEHIND_QUEUE = '-A FORWARD -p tcp --tcp-flags PSH PSH -j DROP';
/** Hosts that know nothing of these connections would reset them. */
const DROP_AT_HOST = '-A PREROUTING -p tcp -j DROP';

interface Snapshot {
  readonly milliseconds: number;
  /** Packets that went into the queue, or found it full. */
  readonly offered: number;
  /** Packets that came out of it. */
  readonly verdicts: number;
  readonly dropped: number;
  readonly nanoseconds: number;
}

async function restore(namespace: Namespace, table: string, rule: string): Promise<void> {
  const input = [`*${table}`, rule, 'COMMIT', ''].join('\n');
  await namespace.runChecked(['iptables-restore', '--noflush'], { input });
}

async function layOut(laboratory: Laboratory): Promise<Topology> {
  const topology = await buildTopology(laboratory, 'gateway');
  const { client, server, firewall } = topology;
  await loadDaemonRules(firewall, [SERVER_PORT]);
  await restore(firewall, 'mangle', DROP_BEHIND_QUEUE);
  await restore(client.namespace, 'raw', DROP_AT_HOST);
  await restore(server.namespace, 'raw', DROP_AT_HOST);
  return topology;
}

/** User and system time of a process, all its threads (proc(5), /proc/pid/stat fields 14 and 15). */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses, which may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * NANOSECONDS_PER_TICK;
}

/** Packets that matched the only rule of the mangle table with `text` in it. */
function countOf(rules: string, text: string): number {
  const rule = rules.split('\n').find((line) => line.includes(text));
  return Number(/^\[(\d+):/.exec(rule ?? '')?.[1]);
}

async function look(gateway: Namespace, pid: number): Promise<Snapshot> {
  const state = await queueState(gateway);
  const rules = await gateway.runChecked(['iptables-save', '--counters', '--table', 'mangle']);
  return {
    milliseconds: performance.now(),
    nanoseconds: processorTime(pid),
    offered: countOf(rules, '-j NFQUEUE'),
    verdicts: countOf(rules, '--tcp-flags PSH PSH'),
    dropped: (state?.droppedFull ?? NaN) + (state?.overruns ?? NaN),
  };
}

function figuresOf(before: Snapshot, after: Snapshot): Figures {
  const verdicts = after.verdicts - before.verdicts;
  if (!(verdicts > 0)) throw new Error('no packet got a verdict');
  return {
    packetsPerSecond: verdicts / (after.milliseconds - before.milliseconds),
    nanoseconds: (after.nanoseconds - before.nanoseconds) / verdicts,
    dropped: after.dropped - before.dropped,
  };
}

/** Measures one reader once. */
export async function measureReader(startReader: StartReader, effort: number): Promise<Figures> {
  const laboratory = new Laboratory();
  try {
    const { client, server, firewall: gateway } = await layOut(laboratory);
    const reader = await startReader(laboratory, gateway);
    const namespaces = [client.namespace, gateway, server.namespace].map(({ name }) => `/run/netns/${name}`);
    const numbers = [CONNECTIONS, MOST_WAITING].map(String);
    const flood = await laboratory.start(client.namespace, [pathOf('flood'), ...namespaces, ...numbers]);
    await flood.waitUntil('open', () => flood.stdout.includes('open'));
    await pause(Math.max(LEAST_MS, WARM_UP_MS * effort));
    const before = await look(gateway, reader.pid);
    await pause(Math.max(LEAST_MS, MEASURED_MS * effort));
    const after = await look(gateway, reader.pid);
    await flood.stop();
    await reader.stop();
    return figuresOf(before, after);
  } finally {
    await laboratory.close();
  }
}

async function prepare(): Promise<void> {
  for (const program of ['flood', 'one-by-one', 'batches'] as const) await buildProgram(program);
  const reason = await buildNfqueue();
  if (reason !== undefined) console.log(`npm nfqueue is left out, it cannot be built here: ${reason}\n`);
}

export const queue: Part = {
  prepare,
  /** Asked after `prepare`, which decides who can be there. */
  get comparisons() {
    const readers = Object.entries(queueReaders());
    const npm = readers.some(([name]) => name === 'npm nfqueue');
    const ours = { trial: 'conntrack-ftp' };
    return [
      {
        name: 'no announcements',
        title: 'Commands and replies that announce nothing, through the queue of a gateway',
        columns: {
          packetsPerSecond: { title: 'packets', unit: 'thousand/s', decimals: 1, compared: true },
          nanoseconds: { title: 'processor time', unit: 'ns/packet', compared: true },
          dropped: { title: 'dropped', unit: 'packets' },
        },
        trials: readers.map(([name, startReader]) => ({
          name,
          measure: async (effort: number) => measureReader(startReader, effort),
        })),
        goals: [
          { ...ours, column: 'packetsPerSecond', over: 'C, one by one', atLeast: 2.5 },
          { ...ours, column: 'packetsPerSecond', over: 'C, batches', atLeast: 0.95 },
          ...(npm ? [{ ...ours, column: 'packetsPerSecond', over: 'npm nfqueue', atLeast: 4 }] : []),
          { ...ours, column: 'nanoseconds', over: 'C, batches', atMost: 1.1 },
        ],
      },
    ];
  },
};
