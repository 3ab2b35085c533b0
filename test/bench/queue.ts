/**
 * The part `queue`: packets of many control connections through the NFQUEUE of a gateway, read by the daemon or by a program that
 * it is compared with. Root or a user namespace: client, gateway and server are network namespaces.
 *
 * What has had its verdict is dropped at the next hook: what a firewall does with a packet afterwards is the same for all, and
 * would be counted as the reader's, which is who does it.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { runChecked } from '../lab/command.js';
import { waitFor } from '../lab/condition.js';
import { loadDaemonRules } from '../lab/daemon.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { queueState } from '../lab/queue-state.js';
import type { RunningProcess } from '../lab/running-process.js';
import { buildTopology, type Topology } from '../lab/topology.js';
import { SERVER_PORT } from './dialogue.js';
import { processorTime } from './resources.js';
import { QUEUE_MIXES, WORKERS, type QueueMix } from './queue-mixes.js';
import { buildNfqueue, buildPrograms, pathOf, queueReaders } from './readers.js';
import { quantile } from './results.js';
import type { Comparison, Figures, Part } from './trial.js';

/** The generator, and the readers in C. */
export const QUEUE_PROGRAMS = ['flood', 'library-reader', 'batches'] as const;

const CONNECTIONS = 1024;
/** Of the first connection; each is of another client, so that none comes to a limit of the daemon. */
const FIRST_CLIENT = '10.128.0.1';
const CLIENTS = '10.128.0.0/16';
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

const COLUMNS = {
  emptying: { title: 'emptying', unit: 'thousand/s', decimals: 1, compared: true },
  emptyingNanoseconds: { title: 'processor time', unit: 'ns/packet', compared: true },
  live: { title: 'live', unit: 'thousand/s', decimals: 1, compared: true },
  liveNanoseconds: { title: 'processor time', unit: 'ns/packet', compared: true },
  dropped: { title: 'dropped', unit: 'packets' },
} as const;

interface Snapshot {
  readonly milliseconds: number;
  /** Packets that came out of it. */
  readonly verdicts: number;
  readonly dropped: number;
  readonly nanoseconds: number;
}

/** What is looked at: queues from 0 on, and the process that reads them. */
interface Watched {
  readonly gateway: Namespace;
  readonly queues: number;
  readonly pid: number;
}

async function restore(namespace: Namespace, table: string, rule: string): Promise<void> {
  const input = [`*${table}`, rule, 'COMMIT', ''].join('\n');
  await namespace.runChecked(['iptables-restore', '--noflush'], { input });
}

/** @param queues  how many, from 0 on */
async function layOut(laboratory: Laboratory, queues: number): Promise<Topology> {
  const topology = await buildTopology(laboratory, 'gateway');
  const { client, server, firewall } = topology;
  await firewall.configure([`route add ${CLIENTS} via ${client.address[4]}`]);
  await loadDaemonRules(firewall, [SERVER_PORT], '--workers', String(queues));
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

/** Packets that could not be queued, or not handed to their reader; of all queues. */
async function packetsDropped(gateway: Namespace, queues: number): Promise<number> {
  const numbers = Array.from({ length: queues }, (_, queue) => queue);
  const states = await Promise.all(numbers.map(async (queue) => queueState(gateway, queue)));
  return states.reduce((sum, state) => sum + (state?.droppedFull ?? NaN) + (state?.overruns ?? NaN), 0);
}

async function look({ gateway, queues, pid }: Watched): Promise<Snapshot> {
  const rules = await gateway.runChecked(['iptables-save', '--counters', '--table', 'mangle']);
  return {
    milliseconds: performance.now(),
    nanoseconds: processorTime(pid),
    verdicts: countOf(rules, '--tcp-flags PSH PSH'),
    dropped: await packetsDropped(gateway, queues),
  };
}

/** Looks again when the time of a measurement is over, and there is something to measure. */
async function lookAfter(watched: Watched, before: Snapshot, effort: number): Promise<Snapshot> {
  await pause(Math.max(LEAST_MS, MEASURED_MS * effort));
  return waitFor('verdicts', async () => {
    const after = await look(watched);
    return after.verdicts > before.verdicts && after;
  });
}

const nanosecondsEach = (before: Snapshot, after: Snapshot): number =>
  (after.nanoseconds - before.nanoseconds) / (after.verdicts - before.verdicts);

/** What the reader does beside the generator, which sends as fast as it can. */
async function measureLive(watched: Watched, effort: number): Promise<Figures> {
  const before = await look(watched);
  const after = await lookAfter(watched, before, effort);
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
async function measureEmptying(watched: Watched, flood: RunningProcess, effort: number): Promise<Figures> {
  const times: number[] = [];
  flood.onLine((line) => {
    const [packets, nanoseconds] = line.split(' ').map(Number);
    times.push((nanoseconds ?? NaN) / (packets ?? NaN));
  });
  process.kill(flood.pid, 'SIGUSR1');
  await flood.waitUntil('the queue emptied', () => times.length > 0);
  const before = await look(watched);
  const from = times.length;
  await flood.waitUntil('the queue emptied again', () => times.length > from);
  const after = await lookAfter(watched, before, effort);
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

/** Expectations that conntrack has made in the namespace, of all processors (net/netfilter/nf_conntrack_standalone.c). */
async function expectationsMade(gateway: Namespace): Promise<number> {
  const [titles = '', ...rows] = (await gateway.runChecked(['cat', '/proc/net/stat/nf_conntrack'])).split(
    '\n',
  );
  const column = titles.trim().split(/\s+/).indexOf('expect_create');
  const counts = rows.filter((row) => row !== '').map((row) => parseInt(row.split(/\s+/)[column] ?? '', 16));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Ends the generator when all that it has sent is read; answers how many packets announced something. */
async function endFlood(flood: RunningProcess): Promise<number> {
  await flood.stop();
  const last = flood.stdout.find((line) => line.startsWith('announced '));
  if (last === undefined) throw new Error(`ended too early: ${flood.describe()}`);
  return Number(last.split(' ')[1]);
}

async function startFlood(
  laboratory: Laboratory,
  topology: Topology,
  mix: QueueMix,
  reader: number,
): Promise<RunningProcess> {
  const { client, server, firewall } = topology;
  const namespaces = [client.namespace, firewall, server.namespace].map(({ name }) => `/run/netns/${name}`);
  const numbers = [CONNECTIONS, MOST_WAITING, reader].map(String);
  const words = [mix.flood, ...namespaces, FIRST_CLIENT, ...numbers];
  const flood = await laboratory.start(client.namespace, [pathOf('flood'), ...words]);
  await flood.waitUntil('open', () => flood.stdout.includes('open'));
  return flood;
}

/** Measures one reader once. */
export async function measureReader(name: string, mix: QueueMix, effort: number): Promise<Figures> {
  const startReader = queueReaders()[name];
  if (startReader === undefined) throw new Error(`${name} cannot be here`);
  const laboratory = new Laboratory();
  try {
    const queues = WORKERS[name] ?? 1;
    const topology = await layOut(laboratory, queues);
    const gateway = topology.firewall;
    const reader = await startReader(laboratory, gateway);
    if (!mix.anyProcessor) await leaveToGenerator(reader.pid);
    const watched = { gateway, queues, pid: reader.pid };
    const madeBefore = await expectationsMade(gateway);
    const flood = await startFlood(laboratory, topology, mix, reader.pid);
    await pause(Math.max(LEAST_MS, WARM_UP_MS * effort));
    const live = await measureLive(watched, effort);
    const emptying = await measureEmptying(watched, flood, effort);
    const announced = await endFlood(flood);
    const made = (await expectationsMade(gateway)) - madeBefore;
    await reader.stop(announced);
    if (reader.expects && made !== announced)
      throw new Error(`${made} expectations of ${announced} announcements`);
    return { ...emptying, ...live };
  } finally {
    await laboratory.close();
  }
}

async function prepare(): Promise<void> {
  await buildPrograms(QUEUE_PROGRAMS);
  const reason = await buildNfqueue();
  if (reason !== undefined) console.log(`npm nfqueue is left out, it cannot be built here: ${reason}\n`);
}

/** Those of the mix's readers that are there take turns. */
function comparisonOf(mix: QueueMix): Comparison {
  const all = queueReaders();
  const readers = mix.readers.filter((name) => name in all);
  const present = new Set(readers);
  return {
    name: mix.name,
    title: mix.title,
    columns: COLUMNS,
    trials: readers.map((name) => ({
      name,
      ...(name === mix.against ? {} : { against: mix.against }),
      measure: async (effort) => measureReader(name, mix, effort),
    })),
    goals: mix.goals.filter(({ over }) => over === undefined || present.has(over)),
  };
}

export const queue: Part = {
  prepare,
  /** Asked after `prepare`, which decides who can be there. */
  get comparisons() {
    return QUEUE_MIXES.map(comparisonOf);
  },
};
