/**
 * Who reads the queue in the part `queue`: the daemon, and what it is compared with. All have the same ruleset, and as long a
 * queue and as large a receive buffer as can be set.
 *
 * @module
 */
import path from 'node:path';
import { Daemon } from '../lab/daemon.js';
import type { Command } from '../lab/command.js';
import type { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { SERVER_PORT } from './dialogue.js';
import { WORKERS } from './queue-mixes.js';
import { nfqueueFolder, pathOf } from './queue-programs.js';

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
export const startOneByOne = startProgram(() => [pathOf('one-by-one'), ...SETTINGS]);

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
    'C, libnetfilter_conntrack': startProgram(() => [pathOf('expecting'), ...SETTINGS], true),
    'C, one by one': startOneByOne,
    'C, batches': startBatches,
    ...(nfqueueFolder() === undefined ? {} : NFQUEUE),
  };
}
