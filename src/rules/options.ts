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
  ports: [21],
  anchor: 'sane',
  mark: 0x2000_0000,
  failClosed: false,
};

/** XT_MULTI_PORTS (linux/netfilter/xt_multiport.h). */
export const MAX_PORTS = 15;
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

const isWithin = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;
