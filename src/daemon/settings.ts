/**
 * The options of the daemon: their schema, and what help and reference say about them. The ruleset's options come
 * from rules/options.ts. The keys are those of the configuration file, the command line spells them `--queue-length`.
 *
 * @module
 */
import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { HELPER_DEFAULTS } from '../helper/ftp-helper.js';
import type { PortRange } from '../ftp/policy.js';
import type { PublicAddress } from '../helper/nat/public-addresses.js';
import { field, fieldsOf, listOf, oneOf, option, wholeNumber, wholeWithin } from '../rules/option-fields.js';
import { checkQueues, helperName, port, RULESET_OPTIONS } from '../rules/options.js';
import { ipFamily, parseIpAddress, type IpAddress } from '../wire/ip-address.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A network, as `BlockList.addSubnet` takes it. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

const network = field((value, wrong): Network => {
  const [address = '', length, ...rest] = typeof value === 'string' ? value.split('/') : [];
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  const prefix = length === undefined ? longest : wholeWithin(length, 0, longest);
  if (family === 0 || prefix === undefined || rest.length > 0) {
    return wrong('must be a network such as 192.0.2.0/24 or 2001:db8::/32');
  }
  return { address, prefix, family: family === 4 ? 'ipv4' : 'ipv6' };
});

/** `30000-30999`, or `30000:30999` as iptables writes it. */
const portRange = field((value, wrong): PortRange => {
  const digits = typeof value === 'string' ? /^(\d+)[-:](\d+)$/.exec(value) : null;
  const first = wholeWithin(digits?.[1], 1, 0xffff);
  const last = wholeWithin(digits?.[2], 1, 0xffff);
  if (first === undefined || last === undefined || first > last) {
    return wrong('must be a lower and a higher port, such as 30000-30999');
  }
  return { first, last };
});

/** The addresses of `a` or `a=b=…`, if all of them are of one family. */
export function equatedAddresses(value: unknown): readonly IpAddress[] | undefined {
  const parsed = typeof value === 'string' ? value.split('=').map(parseIpAddress) : [];
  const known = parsed.filter((address) => address !== undefined);
  const [first] = known;
  return known.length === parsed.length && known.every((address) => address.length === first?.length)
    ? known
    : undefined;
}

const publicAddress = field((value, wrong): PublicAddress => {
  const [address, inside, ...rest] = equatedAddresses(value) ?? [];
  if (address === undefined || ipFamily(address) !== 4 || rest.length > 0) {
    return wrong('must be an IPv4 address, or two such as 203.0.113.7=10.0.0.5');
  }
  return { public: address, private: inside };
});

const eachOnce = (pairs: readonly PublicAddress[]): boolean =>
  new Set(pairs.map((pair) => pair.private?.join('.'))).size === pairs.length;

const publicAddresses = listOf(publicAddress, 'IPv4 addresses').check(
  z.refine(
    eachOnce,
    'must name each private address once, and at most one public address without a private one',
  ),
);

/** The options that `run` takes beside `--config`. */
export const RUN_OPTIONS = {
  queue: RULESET_OPTIONS.queue,
  workers: RULESET_OPTIONS.workers,
  ports: RULESET_OPTIONS.ports,
  helper: option({
    ...RULESET_OPTIONS.helper,
    field: z.optional(helperName()),
    fallback: 'the first usable one',
  }),
  policy: option({
    field: z._default(oneOf('strict', 'kernel'), 'strict'),
    argument: 'name',
    help: 'which announcements are accepted: strict, or kernel as nf_conntrack_ftp accepts them',
    fallback: 'strict',
  }),
  allowAddress: option({
    field: z._default(listOf(network, 'networks such as 192.0.2.0/24'), []),
    argument: 'cidr',
    help: 'network whose addresses anyone may announce (FXP, servers with several addresses)',
    repeatable: true,
  }),
  announceAddress: option({
    field: z._default(publicAddresses, []),
    argument: 'public[=private]',
    help: 'rewrite this private address, or any, in a 227 to the public address',
    repeatable: true,
  }),
  activeSourcePort: option({
    field: z.optional(port()),
    argument: 'port',
    help: 'port that active data connections must come from, such as 20',
    fallback: 'any',
  }),
  passivePorts: option({
    field: z.optional(portRange),
    argument: 'first-last',
    help: 'range of passive ports; others are refused',
    fallback: 'any',
  }),
  expectSeconds: option({
    field: z.optional(wholeNumber(1, 86_400)),
    argument: 'n',
    help: 'lifetime of an unused expectation in seconds',
    fallback: '300, as the carrier helper has it',
  }),
  mark: RULESET_OPTIONS.mark,
  queueLength: option({
    field: z._default(wholeNumber(1, 1_000_000), 8192),
    argument: 'packets',
    help: 'packets that may wait in the queue',
    fallback: '8192',
  }),
  whenFull: option({
    field: z._default(oneOf('accept', 'drop'), 'accept'),
    argument: 'verdict',
    help: 'verdict on packets that find the queue full: accept or drop',
    fallback: 'accept',
  }),
  maxConnections: option({
    field: z._default(wholeNumber(16, 1_048_576), HELPER_DEFAULTS.capacity),
    argument: 'n',
    help: 'limit of tracked control connections; the connection idle for longest is evicted',
    fallback: String(HELPER_DEFAULTS.capacity),
  }),
  maxConnectionsPerClient: option({
    field: z._default(wholeNumber(1, 1_048_576), HELPER_DEFAULTS.maxConnectionsPerClient),
    argument: 'n',
    help: 'limit per IPv4 address or IPv6 /64; the oldest connection is evicted',
    fallback: String(HELPER_DEFAULTS.maxConnectionsPerClient),
  }),
  maxExpectationsPerClient: option({
    field: z._default(wholeNumber(1, 1_048_576), HELPER_DEFAULTS.maxExpectationsPerClient),
    argument: 'n',
    help: 'limit of unused expectations per IPv4 address or IPv6 /64; more are refused',
    fallback: String(HELPER_DEFAULTS.maxExpectationsPerClient),
  }),
  logRate: option({
    field: z._default(wholeNumber(1, 1_000_000), 1000),
    argument: 'lines',
    help: 'log lines per second about packets, and as many about refusals; the rest is counted',
    fallback: '1000',
  }),
  idleSeconds: option({
    field: z._default(wholeNumber(60, 31_536_000), HELPER_DEFAULTS.idleSeconds),
    argument: 'n',
    help: 'forget a connection that was silent for this long',
    fallback: String(HELPER_DEFAULTS.idleSeconds),
  }),
  logLevel: option({
    field: z._default(oneOf(...LOG_LEVELS), 'info'),
    argument: 'level',
    help: 'lowest level that is logged: debug, info, warn, error or silent',
    fallback: 'info',
  }),
} as const;

/** Each option by itself: what a configuration file may hold, which the command line can complete. */
export const RunFieldsSchema = z.strictObject(fieldsOf(RUN_OPTIONS));
export type RunOptions = z.infer<typeof RunFieldsSchema>;

/** Every worker needs a line per second. */
function checkLogRate({ value, issues }: z.core.ParsePayload<RunOptions>): void {
  const { logRate, workers } = value;
  if (logRate >= workers) return;
  const message = `must be at least the number of workers, ${workers}, not ${logRate}`;
  issues.push({ code: 'custom', message, path: ['logRate'], input: value, continue: true });
}

export const RunOptionsSchema = RunFieldsSchema.check(checkQueues, checkLogRate);
