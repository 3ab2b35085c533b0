/**
 * The part `queue`: packets of many control connections through the NFQUEUE of a gateway, read by the daemon or by a program that
 * accepts them unread. Root or a user namespace: client, gateway and server are network namespaces.
 *
 * What has had its verdict is dropped at the next hook: what a firewall does with a packet afterwards is the same for all, and
 * would be counted as the reader's, which is who does it.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { runChecked } from '../../test/lab/command.js';
import { loadDaemonRules } from '../../test/lab/daemon.js';
import { Laboratory } from '../../test/lab/laboratory.js';
import type { Namespace } from '../../test/lab/namespace.js';
import { queueState } from '../../test/lab/queue-state.js';
import type { RunningProcess } from '../../test/lab/running-process.js';
import { buildTopology, type Topology } from '../../test/lab/topology.js';
import { SERVER_PORT } from './dialogue.js';
import { processorTime } from './processor-time.js';
import { buildNfqueue, buildProgram, pathOf } from './queue-programs.js';
import { queueReaders, type StartReader } from './queue-readers.js';
import { quantile } from './statistics.js';
import type { Figures, Part } from './trial.js';

/** The reader that spends least on what all have to do. */
const BATCHES = 'C, batches';
const CONNECTIONS = 1024;
/** Fewer than the kernel's own limit of a queue, 1,024, which not every reader can raise. */
const MOST_WAITING = 768;
/** By then the daemon's code is compiled as it will stay. */
const WARM_UP_MS = 1500;
const MEASURED_MS = 3000;
/** The part of the times that nobody else has lengthened, for certain. */
const UNDISTURBED = 0.1;
/** Shorter, and there may be none. */
const LEAST_MS = 200;

/** Only what says something: the opening of a connection has to pass, or conntrack would not remember it. */
const DROP_BEHIND_QUEUE = '-A FORWARD -p tcp --tcp-flags PSH PSH -j DROP';
/** Hosts that know nothing of these connections would reset them. */
const DROP_AT_HOST = '-A PREROUTING -p tcp -j DROP';

interface Snapshot {
  readonly milliseconds: number;
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
    verdicts: countOf(rules, '--tcp-flags PSH PSH'),
    dropped: (state?.droppedFull ?? NaN) + (state?.overruns ?? NaN),
  };
}

/** Throws `Error` where nothing was measured. */
function nanosecondsEach(before: Snapshot, after: Snapshot): number {
  const verdicts = after.verdicts - before.verdicts;
  if (!(verdicts > 0)) throw new Error('no packet got a verdict');
  return (after.nanoseconds - before.nanoseconds) / verdicts;
}

/** What the reader does beside the generator, which sends as fast as it can. */
async function measureLive(gateway: Namespace, pid: number, effort: number): Promise<Figures> {
  const before = await look(gateway, pid);
  await pause(Math.max(LEAST_MS, MEASURED_MS * effort));
  const after = await look(gateway, pid);
  return {
    live: (after.verdicts - before.verdicts) / (after.milliseconds - before.milliseconds),
    liveNanoseconds: nanosecondsEach(before, after),
    dropped: after.dropped - before.dropped,
  };
}

/**
 * How fast it empties a queue that was filled while it stood still. Of all the times, one counts that is longer than a tenth of
 * them: whoever else uses the machine lengthens the others, and the longer a reader takes, the more of them.
 */
async function measureEmptying(
  gateway: Namespace,
  pid: number,
  flood: RunningProcess,
  effort: number,
): Promise<Figures> {
  const times: number[] = [];
  flood.onLine((line) => {
    const [packets, nanoseconds] = line.split(' ').map(Number);
    times.push((nanoseconds ?? NaN) / (packets ?? NaN));
  });
  process.kill(flood.pid, 'SIGUSR1');
  await flood.waitUntil('the queue emptied', () => times.length > 0);
  const before = await look(gateway, pid);
  const from = times.length;
  await pause(Math.max(LEAST_MS, MEASURED_MS * effort));
  const after = await look(gateway, pid);
  return {
    emptying: 1e6 / quantile(times.slice(from), UNDISTURBED),
    emptyingNanoseconds: nanosecondsEach(before, after),
  };
}

/**
 * Keeps the reader off the last processor, which the generator stays on, as a network card's interrupts would. Otherwise each
 * packet wakes the reader where it was sent, and the two hold each other up.
 */
async function leaveToGenerator(pid: number): Promise<void> {
  const last = availableParallelism() - 1;
  if (last > 0)
    await runChecked(['taskset', '--all-tasks', '--pid', '--cpu-list', `0-${last - 1}`, String(pid)]);
}

/** Measures one reader once. */
export async function measureReader(startReader: StartReader, effort: number): Promise<Figures> {
  const laboratory = new Laboratory();
  try {
    const { client, server, firewall: gateway } = await layOut(laboratory);
    const reader = await startReader(laboratory, gateway);
    await leaveToGenerator(reader.pid);
    const namespaces = [client.namespace, gateway, server.namespace].map(({ name }) => `/run/netns/${name}`);
    const numbers = [CONNECTIONS, MOST_WAITING, reader.pid].map(String);
    const flood = await laboratory.start(client.namespace, [pathOf('flood'), ...namespaces, ...numbers]);
    await flood.waitUntil('open', () => flood.stdout.includes('open'));
    await pause(Math.max(LEAST_MS, WARM_UP_MS * effort));
    const live = await measureLive(gateway, reader.pid, effort);
    const emptying = await measureEmptying(gateway, reader.pid, flood, effort);
    await flood.stop();
    // It may stand still.
    process.kill(reader.pid, 'SIGCONT');
    await reader.stop();
    return { ...emptying, ...live };
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
          emptying: { title: 'emptying', unit: 'thousand/s', decimals: 1, compared: true },
          emptyingNanoseconds: { title: 'processor time', unit: 'ns/packet', compared: true },
          live: { title: 'live', unit: 'thousand/s', decimals: 1, compared: true },
          liveNanoseconds: { title: 'processor time', unit: 'ns/packet', compared: true },
          dropped: { title: 'dropped', unit: 'packets' },
        },
        trials: readers.map(([name, startReader]) => ({
          name,
          ...(name === BATCHES ? {} : { against: BATCHES }),
          measure: async (effort: number) => measureReader(startReader, effort),
        })),
        goals: [
          { ...ours, column: 'emptying', over: 'C, one by one', atLeast: 2.5 },
          { ...ours, column: 'emptying', over: BATCHES, atLeast: 0.95 },
          ...(npm ? [{ ...ours, column: 'emptying', over: 'npm nfqueue', atLeast: 4 }] : []),
          { ...ours, column: 'emptyingNanoseconds', over: BATCHES, atMost: 1.1 },
        ],
      },
    ];
  },
};
