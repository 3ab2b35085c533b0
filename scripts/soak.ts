/**
 * Hundreds of FTP sessions for a long time, translated, between links that lose, reorder and duplicate: says each minute how
 * many transfers arrived, how long a command took and how much memory the daemon holds, and at the end whether any
 * transfer was lost, and whether memory or delay have grown.
 *
 *     npm run soak -- --minutes 20 --sessions 200
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { openTranslated, SHAPES, translate } from '../test/e2e/nat-shapes.js';
import type { Scene } from '../test/e2e/scene.js';
import { invalidCount } from '../test/lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../test/lab/daemon.js';
import { SMALL_FILES } from '../test/lab/ftp-root.js';
import { ImpairedLink } from '../test/lab/impaired-link.js';
import type { RunningProcess } from '../test/lab/running-process.js';
import { vsftpdWith } from '../test/lab/servers/vsftpd.js';
import type { Join } from '../test/lab/topology.js';

const MINUTE_MS = 60_000;
/** On each link. With one in twenty TCP itself fails: of some 40,000 handshakes one is lost with all of its repetitions. */
const LOSS = 0.02;
const CLIENT = path.join(import.meta.dirname, 'soak/sessions.py');
/** Memory may grow so much from the second quarter of the time to the last; what the first needs is warming up. */
const TOLERATED_GROWTH = 1.1;

const tenSeconds = z.object({
  transfers: z.number(),
  failures: z.array(z.string()),
  medianMs: z.number(),
  p99Ms: z.number(),
});

interface Minute {
  readonly transfers: number;
  readonly failures: readonly string[];
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly residentMiB: number;
  readonly invalid: number;
}

/** `VmRSS` of proc(5), MiB. */
function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function startSessions(scene: Scene, count: number): Promise<RunningProcess> {
  const { server, topology, laboratory } = scene;
  const { user, password } = server.program.login;
  const target = shape.target;
  const addresses = target === undefined ? [] : [target[4], target[6]];
  const session = [String(server.settings.port), user, password, SMALL_FILES[0], ...addresses] as const;
  return laboratory.start(topology.client.namespace, ['/usr/bin/python3', CLIENT, String(count), ...session]);
}

async function measure(scene: Scene, daemon: Daemon, lines: readonly string[]): Promise<Minute> {
  const parts = lines.map((line) => tenSeconds.parse(JSON.parse(line)));
  const mean = (of: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((sum, part) => sum + of(part), 0) / Math.max(parts.length, 1);
  return {
    transfers: parts.reduce((sum, { transfers }) => sum + transfers, 0),
    failures: parts.flatMap(({ failures }) => failures),
    medianMs: mean(({ medianMs }) => medianMs),
    p99Ms: mean(({ p99Ms }) => p99Ms),
    residentMiB: residentMiB(daemon.pid),
    invalid: await invalidCount(scene.topology.firewall),
  };
}

function print(number: number | string, minute: Minute): void {
  const { transfers, failures, medianMs, p99Ms, residentMiB: resident, invalid } = minute;
  const columns = [
    number,
    transfers,
    failures.length,
    medianMs.toFixed(1),
    p99Ms.toFixed(1),
    resident.toFixed(1),
    invalid,
  ];
  console.log(columns.map((column) => String(column).padStart(10)).join(''));
  for (const failure of new Set(failures)) console.log(`  ${failure}`);
}

/** What was decided last of the connection that a failure names by its port. */
function printDecisions({ decisions }: Daemon, { failures }: Minute): void {
  for (const failure of failures) {
    const ofIt = decisions.filter(({ clientPort }) => clientPort === Number.parseInt(failure, 10));
    for (const decision of ofIt.slice(-2)) console.log(`  ${JSON.stringify(decision)}`);
  }
}

const meanOf = (minutes: readonly Minute[], of: (minute: Minute) => number): number =>
  minutes.reduce((sum, minute) => sum + of(minute), 0) / Math.max(minutes.length, 1);

/** Answers whether nothing was lost and nothing grew. */
function judge(minutes: readonly Minute[]): boolean {
  const quarter = Math.max(Math.floor(minutes.length / 4), 1);
  const second = minutes.slice(quarter, quarter * 2);
  const last = minutes.slice(-quarter);
  const memory = meanOf(last, (each) => each.residentMiB) / meanOf(second, (each) => each.residentMiB);
  const delay = meanOf(last, (each) => each.medianMs) / meanOf(second, (each) => each.medianMs);
  const lost = minutes.reduce((sum, { failures }) => sum + failures.length, 0);
  const arrived = minutes.reduce((sum, { transfers }) => sum + transfers, 0);
  console.log(`\n${arrived} transfers arrived, ${lost} did not.`);
  console.log(
    `Memory in the last quarter: ${memory.toFixed(3)} of that in the second; median delay: ${delay.toFixed(3)}.`,
  );
  return lost === 0 && arrived > 0 && memory < TOLERATED_GROWTH;
}

const options = new Command('soak')
  .option('--minutes <n>', 'how long', Number, 20)
  .option('--sessions <n>', 'control connections at once', Number, 200)
  .parse()
  .opts<{ minutes: number; sessions: number }>();
/** From port 20, thousands of active transfers would meet each other's successors in TIME_WAIT: clients choose ports at random. */
const program = vsftpdWith({ connect_from_port_20: 'NO' });
const shape = SHAPES.find(({ name }) => name === 'SNAT and DNAT') ?? { name: 'none', rules: [] };
const links: ImpairedLink[] = [];
const join: Join = async (laboratory, one, other) => {
  links.push(
    await ImpairedLink.join(laboratory, one, other, { controlPort: 21, seed: other.device, loss: LOSS }),
  );
};
const scene = await openTranslated(DEFAULT_ANCHOR, join, program);
try {
  const { firewall } = scene.topology;
  await translate(scene, shape);
  await loadDaemonRules(firewall, [21]);
  const daemon = await Daemon.start(scene.laboratory, firewall, { ports: [21] });
  const sessions = await startSessions(scene, options.sessions);
  const minutes: Minute[] = [];
  const titles = ['minute', 'transfers', 'failed', 'NOOP ms', 'p99 ms', 'RSS MiB', 'INVALID'];
  console.log(titles.map((title) => title.padStart(10)).join(''));
  let read = 0;
  for (let number = 1; number <= options.minutes; number++) {
    await pause(MINUTE_MS);
    const lines = sessions.stdout.slice(read);
    read += lines.length;
    const minute = await measure(scene, daemon, lines);
    minutes.push(minute);
    print(number, minute);
    printDecisions(daemon, minute);
  }
  await sessions.stop('SIGTERM');
  await daemon.stop();
  for (const link of links) console.log(JSON.stringify(await link.stop()));
  console.log(daemon.lastWords);
  process.exitCode = judge(minutes) && daemon.counter('defects') === 0 ? 0 : 1;
} finally {
  await scene.laboratory.close();
}
