/**
 * What a ruleset is made from, and the checks that come before any text is made: a wrong value is a
 * `UsageError` with a sentence, never a ruleset that the kernel refuses or that matches the wrong thing.
 *
 * @module
 */
import { UsageError } from '../errors.js';

export interface RulesOptions {
  /** NFQUEUE number, 0 to 65535. */
  readonly queue: number;
  /** Queues from `queue` on, each read by a worker of its own; 1: the connections are not shared out. */
  readonly workers: number;
  /** Connmark bits, side by side, that hold the number of a connection's worker, from 1; 0 before it has one. */
  readonly workerMark: number;
  /** FTP control ports as clients address them, that is before DNAT. */
  readonly ports: readonly number[];
  /** The conntrack helper that control connections carry so that they may expect others. */
  readonly anchor: string;
  /** Connmark bits (`CTA_MARK`); a connection that has all of them is never queued again. */
  readonly mark: number;
  /** Without a daemon: drop what would be queued (`true`), or let it pass unread (`false`). */
  readonly failClosed: boolean;
}

export const RULES_DEFAULTS: RulesOptions = {
  queue: 0,
  workers: 1,
  workerMark: 0x0f00_0000,
  ports: [21],
  anchor: 'sane',
  mark: 0x2000_0000,
  failClosed: false,
};

/** XT_MULTI_PORTS (linux/netfilter/xt_multiport.h). */
export const MAX_PORTS = 15;
/** More threads than that serve no machine; and the rules of each are tried one after the other. */
export const MAX_WORKERS = 64;
/** NF_CT_HELPER_NAME_LEN - 1: the kernel wants a NUL after it. */
const MAX_ANCHOR_NAME = 15;
const MAX_QUEUE = 0xffff;
const MAX_PORT = 0xffff;
const MAX_MARK = 0xffff_ffff;

/** Throws a `UsageError` that names the first wrong value. */
export function checkRulesOptions(options: RulesOptions): void {
  checkQueue(options.queue);
  checkPorts(options.ports);
  checkAnchor(options.anchor);
  checkMark(options.mark);
  checkWorkers(options);
}

function checkQueue(queue: number): void {
  if (!isWithin(queue, 0, MAX_QUEUE)) {
    throw new UsageError(`queue number ${queue} is not within 0 to ${MAX_QUEUE}`);
  }
}

function checkPorts(ports: readonly number[]): void {
  if (ports.length === 0) throw new UsageError('no FTP port is given');
  if (ports.length > MAX_PORTS) {
    throw new UsageError(`${ports.length} ports are given, the kernel's port list holds ${MAX_PORTS}`, {
      remedy: 'leave out the ports that no FTP server listens on',
    });
  }
  for (const [index, port] of ports.entries()) {
    if (!isWithin(port, 1, MAX_PORT)) throw new UsageError(`port ${port} is not within 1 to ${MAX_PORT}`);
    if (ports.indexOf(port) !== index) throw new UsageError(`port ${port} is given twice`);
  }
}

/** Only characters that need no quoting in either ruleset language. */
function checkAnchor(anchor: string): void {
  if (anchor.length > MAX_ANCHOR_NAME) {
    throw new UsageError(
      `\`${anchor}\` is too long for the name of a conntrack helper, which has at most ${MAX_ANCHOR_NAME} characters`,
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(anchor)) {
    throw new UsageError(`\`${anchor}\` is not the name of a conntrack helper`, {
      remedy: 'name one that `conntrack-ftp doctor` lists, for example sane',
    });
  }
}

function checkMark(mark: number): void {
  if (!isWithin(mark, 1, MAX_MARK)) {
    throw new UsageError(`mark ${mark} is not within 1 to 0x${MAX_MARK.toString(16)}`);
  }
}

function checkWorkers({ workers, queue, mark, workerMark }: RulesOptions): void {
  if (!isWithin(workers, 1, MAX_WORKERS)) {
    throw new UsageError(`${workers} workers is not within 1 to ${MAX_WORKERS}`);
  }
  checkQueues({ queue, workers });
  // One worker has no use for them.
  if (workers > 1) checkWorkerMark(workers, mark, workerMark);
}

/** Throws a `UsageError` where the queues of all workers are not there. */
export function checkQueues({ queue, workers }: Pick<RulesOptions, 'queue' | 'workers'>): void {
  if (queue + workers - 1 > MAX_QUEUE) {
    throw new UsageError(`${workers} queues from ${queue} on go beyond the last, ${MAX_QUEUE}`);
  }
}

function checkWorkerMark(workers: number, mark: number, workerMark: number): void {
  const bits = `worker mark ${hexadecimal(workerMark)}`;
  const most = isWithin(workerMark, 1, MAX_MARK) ? workerMark / lowestBit(workerMark) : 0;
  // Bits side by side, moved to the right end, are one less than a power of two.
  if (most === 0 || !Number.isInteger(Math.log2(most + 1))) {
    throw new UsageError(
      `${bits} is not a row of bits, side by side, as ${hexadecimal(RULES_DEFAULTS.workerMark)} is`,
    );
  }
  if (workers > most) {
    throw new UsageError(`${bits} has room for ${most} workers, not for ${workers}`, {
      remedy: 'give more bits with --worker-mark, or take fewer workers',
    });
  }
  if ((workerMark & mark) !== 0) {
    throw new UsageError(`${bits} and mark ${hexadecimal(mark)} have bits in common`, {
      remedy: 'give each bits of its own, with --worker-mark and --mark',
    });
  }
}

const hexadecimal = (bits: number): string => `0x${bits.toString(16)}`;

/** The connmark bits that stand for a worker, from 1; 0 stands for none. */
export const workerBits = ({ workerMark }: RulesOptions, worker: number): number =>
  worker * lowestBit(workerMark);

/** The value of the lowest bit that is set in `bits`, which is not 0. */
const lowestBit = (bits: number): number => (bits & -bits) >>> 0;

const isWithin = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;
