/**
 * The options of a ruleset: their only schema, and what help and reference say about them. A wrong value is a
 * `UsageError` with a sentence, never a ruleset that the kernel refuses or that matches the wrong packets.
 *
 * @module
 */
import * as z from 'zod/mini';
import {
  field,
  fieldsOf,
  isOn,
  option,
  readOptions,
  wholeNumber,
  wholeWithin,
  type Field,
} from './option-fields.js';

export interface RulesOptions {
  /** NFQUEUE number, 0 to 65535. */
  readonly queue: number;
  /** Number of queues from `queue` on, each read by its own worker. With 1, connections are not distributed. */
  readonly workers: number;
  /** Adjacent connmark bits that hold the number of a connection's worker, from 1; 0 before one is assigned. */
  readonly workerMark: number;
  /** FTP control ports as clients address them, before DNAT. */
  readonly ports: readonly number[];
  /** The conntrack helper that control connections carry so that the kernel accepts expectations for them. */
  readonly helper: string;
  /** Connmark bits (`CTA_MARK`); a connection that has all of them is never queued again. */
  readonly mark: number;
  /** Without a daemon: drop what would be queued (`true`), or forward it unread (`false`). */
  readonly failClosed: boolean;
}

export const RULES_DEFAULTS: RulesOptions = {
  queue: 0,
  workers: 1,
  workerMark: 0x0f00_0000,
  ports: [21],
  helper: 'sane',
  mark: 0x2000_0000,
  failClosed: false,
};

/** XT_MULTI_PORTS (linux/netfilter/xt_multiport.h). */
export const MAX_PORTS = 15;
/** No machine gains from more threads, and the rules of all workers are tried one after the other. */
export const MAX_WORKERS = 64;
/** NF_CT_HELPER_NAME_LEN - 1 (linux/netfilter/nf_conntrack_helper.h): the kernel wants a NUL after the name. */
const MAX_HELPER_NAME = 15;
const MAX_QUEUE = 0xffff;
const MAX_PORT = 0xffff;
const MAX_MARK = 0xffff_ffff;

const hexadecimal = (bits: number): string => `0x${bits.toString(16)}`;

export const port = (): Field<number> => wholeNumber(1, MAX_PORT);

const ports = field((value, wrong): readonly number[] => {
  const parts: unknown = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
  if (!Array.isArray(parts)) return wrong('must be a list of ports such as 21,2121');
  const numbers = parts.map((part) => wholeWithin(part, 1, MAX_PORT));
  const known = numbers.filter((number) => number !== undefined);
  if (known.length === 0 || known.length < numbers.length) {
    return wrong(`must be a list of ports from 1 to ${MAX_PORT}`);
  }
  if (known.length > MAX_PORTS) return wrong(`must name at most ${MAX_PORTS} ports`);
  if (new Set(known).size < known.length) return wrong('must name each port once');
  return known;
});

/** Only names that need no quoting in iptables or nft, and that no tool takes for an option. */
export const helperName = (): Field<string> =>
  field((value, wrong) => {
    if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value)) {
      return wrong('must be the name of a conntrack helper, such as sane');
    }
    return value.length <= MAX_HELPER_NAME
      ? value
      : wrong(`must be a name of at most ${MAX_HELPER_NAME} characters`);
  });

/** A number, its decimal digits, or its hexadecimal digits behind `0x`. */
function bitsOf(value: unknown): number | undefined {
  const isHexadecimal = typeof value === 'string' && /^0x[0-9a-f]{1,8}$/i.test(value);
  return wholeWithin(isHexadecimal ? Number(value) : value, 1, MAX_MARK);
}

const mark = field(
  (value, wrong) => bitsOf(value) ?? wrong(`must be bits from 0x1 to ${hexadecimal(MAX_MARK)}`),
);

const workerMark = field((value, wrong) => {
  const bits = bitsOf(value);
  return bits !== undefined && isAdjacent(bits)
    ? bits
    : wrong(`must be adjacent bits, such as ${hexadecimal(RULES_DEFAULTS.workerMark)}`);
});

/** The options that `rules` takes, and of which the other commands take some. */
export const RULESET_OPTIONS = {
  queue: option({
    field: z._default(wholeNumber(0, MAX_QUEUE), RULES_DEFAULTS.queue),
    argument: 'number',
    help: 'NFQUEUE number; with several workers, the first of their queues',
    fallback: String(RULES_DEFAULTS.queue),
  }),
  workers: option({
    field: z._default(wholeNumber(1, MAX_WORKERS), RULES_DEFAULTS.workers),
    argument: 'n',
    help: `number of workers, up to ${MAX_WORKERS}; each reads its own queue in its own thread`,
    fallback: String(RULES_DEFAULTS.workers),
  }),
  ports: option({
    field: z._default(ports, RULES_DEFAULTS.ports),
    argument: 'list',
    help: `FTP server ports as clients address them, up to ${MAX_PORTS}, such as 21,2121`,
    fallback: RULES_DEFAULTS.ports.join(),
  }),
  helper: option({
    field: z._default(helperName(), RULES_DEFAULTS.helper),
    argument: 'name',
    help: 'carrier helper: the conntrack helper that the ruleset attaches to control connections',
    fallback: RULES_DEFAULTS.helper,
  }),
  mark: option({
    field: z._default(mark, RULES_DEFAULTS.mark),
    argument: 'bits',
    help: 'connmark bits of connections that are not queued any more',
    fallback: hexadecimal(RULES_DEFAULTS.mark),
  }),
  workerMark: option({
    field: z._default(workerMark, RULES_DEFAULTS.workerMark),
    argument: 'bits',
    help: 'adjacent connmark bits that hold the number of a connection’s worker',
    fallback: hexadecimal(RULES_DEFAULTS.workerMark),
  }),
  failClosed: option({
    field: z._default(isOn(), RULES_DEFAULTS.failClosed),
    help: 'drop control packets while no daemon runs, instead of forwarding them unread',
  }),
} as const;

/** Adds to `payload` what is wrong with options that are right one by one. */
type Check<T> = (payload: z.core.ParsePayload<T>) => void;

/** The queue of every worker must exist. */
export const checkQueues: Check<Pick<RulesOptions, 'queue' | 'workers'>> = ({ value, issues }) => {
  const { queue, workers } = value;
  const last = queue + workers - 1;
  if (last <= MAX_QUEUE) return;
  const message = `${workers} needs the queues ${queue} to ${last}, and the last queue is ${MAX_QUEUE}`;
  issues.push({ code: 'custom', message, path: ['workers'], input: value, continue: true });
};

/** The worker mark must have a number for every worker, and bits of its own. One worker does not use it. */
export const checkWorkerMark: Check<Pick<RulesOptions, 'workers' | 'workerMark' | 'mark'>> = ({
  value,
  issues,
}) => {
  const { workers, workerMark: bits, mark: done } = value;
  const most = bits / lowestBit(bits);
  const sentences = [
    ...(workers > most ? [`${hexadecimal(bits)} can number ${most} workers, not ${workers}`] : []),
    ...((bits & done) === 0
      ? []
      : [`${hexadecimal(bits)} must share no bit with the mark ${hexadecimal(done)}`]),
  ];
  if (workers === 1) return;
  for (const message of sentences) {
    issues.push({ code: 'custom', message, path: ['workerMark'], input: value, continue: true });
  }
};

const RulesetSchema = z.object(fieldsOf(RULESET_OPTIONS)).check(checkQueues, checkWorkerMark);

/** Throws a `UsageError` that names each wrong value. */
export function checkRulesOptions(options: RulesOptions): void {
  readOptions(RulesetSchema, options, (key) => key);
}

/** The connmark bits that stand for a worker, from 1; 0 stands for none. */
export const workerBits = ({ workerMark: bits }: RulesOptions, worker: number): number =>
  worker * lowestBit(bits);

/** The value of the lowest set bit of `bits`, which is not 0. */
const lowestBit = (bits: number): number => (bits & -bits) >>> 0;

/** Adjacent bits, moved to the right end, are one less than a power of two. */
const isAdjacent = (bits: number): boolean => Number.isInteger(Math.log2(bits / lowestBit(bits) + 1));
