/**
 * The programs that read the queue: the daemon, and those it is compared with. The C programs are built from
 * source into `.cache/bench`. All use the same ruleset, queue length and receive buffer.
 *
 * @module
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, runChecked, describeEnding, type Command } from '../lab/command.js';
import { Daemon } from '../lab/daemon.js';
import type { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { SERVER_PORT } from './dialogue.js';
import { WORKERS } from './queue-mixes.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const SOURCES = path.join(import.meta.dirname, 'native');
const BUILT = path.join(PROJECT, '.cache/bench');
const NODE_GYP = path.join(PROJECT, 'node_modules/.bin/node-gyp');
/** An addon is for the Node that it was built with. */
const NFQUEUE_FOLDER = path.join(BUILT, `nfqueue-${process.version}`);
const NFQUEUE_VERSION = '0.3.2';
const NFQUEUE_ADDON = path.join(NFQUEUE_FOLDER, 'node_modules/nfqueue/build/Release/nfqueue.node');
const INSTALL_DEADLINE_MS = 300_000;

/** Libraries of each program, as the linker wants them. */
const LIBRARIES = {
  flood: [],
  batches: ['-lmnl'],
  'library-reader': ['-lnetfilter_queue', '-lnfnetlink', '-lnetfilter_conntrack'],
  'ftp-server': ['-pthread'],
  'ftp-client': ['-pthread'],
  'round-trip': [],
} as const;

export type Program = keyof typeof LIBRARIES;

/** Where `program` is once it is built. */
export const pathOf = (program: Program): string => path.join(BUILT, program);

/** Throws with the compiler's words where it fails. */
export async function buildPrograms(programs: readonly Program[]): Promise<void> {
  mkdirSync(BUILT, { recursive: true });
  for (const program of programs) {
    const source = path.join(SOURCES, `${program}.c`);
    await runChecked(['cc', '-O2', '-Wall', '-Wextra', '-o', pathOf(program), source, ...LIBRARIES[program]]);
  }
}

/** The folder that npm's `nfqueue` is installed in; `undefined` where it is not. */
export const nfqueueFolder = (): string | undefined =>
  existsSync(NFQUEUE_ADDON) ? NFQUEUE_FOLDER : undefined;

/** Installs and builds npm's `nfqueue`, unless it is there; answers why that cannot be. */
export async function buildNfqueue(): Promise<string | undefined> {
  if (nfqueueFolder() !== undefined) return undefined;
  rmSync(NFQUEUE_FOLDER, { recursive: true, force: true });
  mkdirSync(NFQUEUE_FOLDER, { recursive: true });
  writeFileSync(path.join(NFQUEUE_FOLDER, 'package.json'), '{ "private": true }\n');
  const steps: readonly { readonly command: Command; readonly cwd: string }[] = [
    {
      command: ['npm', 'install', '--ignore-scripts', '--no-audit', `nfqueue@${NFQUEUE_VERSION}`],
      cwd: NFQUEUE_FOLDER,
    },
    {
      command: [NODE_GYP, 'rebuild', ...nodeHeaders()],
      cwd: path.join(NFQUEUE_FOLDER, 'node_modules/nfqueue'),
    },
  ];
  for (const { command, cwd } of steps) {
    const completed = await run(command, { cwd, deadlineMs: INSTALL_DEADLINE_MS });
    if (completed.status !== 0) return describeEnding(completed);
  }
  return undefined;
}

/** Those that came with Node, where they did: then nothing has to be fetched for them. */
function nodeHeaders(): readonly string[] {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return existsSync(path.join(prefix, 'include/node/node.h')) ? [`--nodedir=${prefix}`] : [];
}

/** As the daemon has them. */
const QUEUE_LENGTH = '8192';
const RECEIVE_BUFFER_BYTES = String(32 * 1024 * 1024);
const NFQUEUE_READER = path.join(import.meta.dirname, 'nfqueue-reader.mjs');

/** Counters of the daemon that stay 0 where all lines come, each after the one before. */
const FAULTS = [
  ...['refused', 'eventOverruns', 'midStream'],
  ...['queueOverruns', 'queueMalformed', 'defects'],
  ...['holesPastAcknowledgment', 'holesPastBytes', 'holesPastRanges', 'holesPastTotal'],
  ...['segmentsOutOfReach', 'streamsMoved', 'commandsForgotten'],
];

export interface RunningReader {
  readonly pid: number;
  /** Whether it has conntrack expect what is announced. */
  readonly expects: boolean;
  /**
   * Throws where it had to be killed, or had missed what it was for.
   *
   * @param announced  packets that announced something, where it is known
   */
  readonly stop: (announced?: number) => Promise<void>;
}

/** Starts a reader in the gateway; it reads when this resolves. */
export type StartReader = (laboratory: Laboratory, gateway: Namespace) => Promise<RunningReader>;

const startWorkers =
  (workers: number): StartReader =>
  async (laboratory, gateway) => {
    const options = ['--workers', String(workers)];
    const daemon = await Daemon.start(laboratory, gateway, { ports: [SERVER_PORT], options });
    return {
      pid: daemon.pid,
      expects: true,
      stop: async (announced) => {
        await daemon.stop();
        requireRead(daemon, announced);
      },
    };
  };

/** The daemon; it must have read all, and in order. */
export const startDaemon = startWorkers(1);

/** Throws `Error` where packets passed without it, or out of order: then its whole path was not measured. */
function requireRead(daemon: Daemon, announced: number | undefined): void {
  const faultless = Object.fromEntries(FAULTS.map((name) => [name, 0]));
  const due = { ...faultless, ...(announced === undefined ? {} : { expected: announced }) };
  const wrong = Object.entries(due)
    .filter(([name, count]) => daemon.counter(name) !== count)
    .map(([name, count]) => `${name} ${daemon.counter(name) ?? 'unknown'} in place of ${count}`);
  if (wrong.length > 0) throw new Error(`not all was read: ${wrong.join(', ')}`);
}

const startProgram =
  (command: () => Command, expects = false): StartReader =>
  async (laboratory, gateway) => {
    const running = await laboratory.start(gateway, command());
    await running.waitUntil('ready', () => running.stdout.includes('ready'));
    return {
      pid: running.pid,
      expects,
      stop: async () => {
        if (running.hasEnded) throw new Error(`ended too early: ${running.describe()}`);
        await running.stop();
      },
    };
  };

const SETTINGS = [QUEUE_LENGTH, RECEIVE_BUFFER_BYTES] as const;

/** The ordinary loop: one packet and one verdict at a time. */
export const startOneByOne = startProgram(() => [pathOf('library-reader'), 'accept', ...SETTINGS]);

/** Many packets at a time, and one verdict for them. */
export const startBatches = startProgram(() => [pathOf('batches'), ...SETTINGS]);

const NFQUEUE: Readonly<Record<string, StartReader>> = {
  'npm nfqueue': startProgram(() => [
    process.execPath,
    NFQUEUE_READER,
    nfqueueFolder() ?? '',
    RECEIVE_BUFFER_BYTES,
  ]),
};

/** By name, those that can be here: npm's `nfqueue` only where it is installed. */
export function queueReaders(): Readonly<Record<string, StartReader>> {
  const workers = Object.entries(WORKERS).map(([name, count]) => [name, startWorkers(count)] as const);
  return {
    ...Object.fromEntries(workers),
    'conntrack-ftp': startDaemon,
    'C, libnetfilter_conntrack': startProgram(() => [pathOf('library-reader'), 'expect', ...SETTINGS], true),
    'C, one by one': startOneByOne,
    'C, batches': startBatches,
    ...(nfqueueFolder() === undefined ? {} : NFQUEUE),
  };
}
