/**
 * The options of the commands: what they may be, what they are unless given, and how they are read from the
 * command line and from the configuration file. Both go through one schema, so that both mean the same.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from '../errors.js';
import type { PortRange } from '../ftp/policy.js';
import type { PublicAddress } from '../helper/nat/public-addresses.js';
import { MAX_PORTS, MAX_WORKERS, RULES_DEFAULTS } from '../rules/options.js';
import { ipFamily, parseIpAddress, type IpAddress } from '../wire/ip-address.js';

/** Whoever has the address `from` on the clients' side has `to` on the servers' side. */
export interface TranslatedAddress {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** NF_CT_HELPER_NAME_LEN (linux/netfilter/nf_conntrack_helper.h) less its NUL. */
const MAX_ANCHOR_NAME = 15;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A number from a configuration file, or its digits from the command line. */
const wholeNumber = (least: number, most: number): z.ZodType<number> => {
  const sentence = `must be a whole number from ${least} to ${most}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/, sentence).transform(Number)], sentence)
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, sentence);
};

const port = wholeNumber(1, 65_535);

const ports = z
  .union([z.string().transform((text) => text.split(',').map((part) => part.trim())), z.array(z.unknown())])
  .pipe(z.array(port).min(1).max(MAX_PORTS, `must name at most ${MAX_PORTS} ports`));

const portRange = z
  .string()
  .regex(/^\d+-\d+$/, 'must be two ports with a hyphen, as in 30000-30999')
  .transform((text): PortRange => {
    const [first = 0, last = 0] = text.split('-').map(Number);
    return { first, last };
  })
  .refine(
    ({ first, last }) => first >= 1 && first <= last && last <= 65_535,
    'must be a lower and a higher port',
  );

const mark = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^(0x[0-9a-f]{1,8}|\d{1,10})$/i, 'must be bits such as 0x20000000')
      .transform(Number),
  ])
  .refine(
    (value) => Number.isInteger(value) && value >= 1 && value <= 0xffff_ffff,
    'must be 1 to 32 bits, not 0',
  );

const anchor = z
  .string()
  .regex(/^[A-Za-z0-9_.-]+$/, 'must be the name of a conntrack helper, such as sane')
  .max(MAX_ANCHOR_NAME, `must be at most ${MAX_ANCHOR_NAME} characters`);

/** `a.b.c.d`, or with `=` and another address of the same family. */
function addresses(text: string): readonly IpAddress[] | undefined {
  const parsed = text.split('=').map(parseIpAddress);
  const [first] = parsed;
  const known = parsed.filter((address) => address !== undefined);
  return known.length === parsed.length && known.every((address) => address.length === first?.length)
    ? known
    : undefined;
}

const publicAddress = z.string().transform((text, context): PublicAddress => {
  const [address, inside, ...rest] = addresses(text) ?? [];
  if (address !== undefined && ipFamily(address) === 4 && rest.length === 0) {
    return { public: address, private: inside };
  }
  context.addIssue(`must be an IPv4 address, or two as in 203.0.113.7=10.0.0.5`);
  return z.NEVER;
});

const eachOnce = (pairs: readonly PublicAddress[]): boolean =>
  new Set(pairs.map((pair) => pair.private?.join('.'))).size === pairs.length;

const translatedAddress = z.string().transform((text, context): TranslatedAddress => {
  const [from, to, ...rest] = addresses(text) ?? [];
  if (from !== undefined && to !== undefined && rest.length === 0) return { from, to };
  context.addIssue('must be two addresses of one family as in 10.1.0.2=203.0.113.7');
  return z.NEVER;
});

/** What `run` takes, on the command line (`--queue-length`) and in the configuration file (`queueLength`). */
export const RunOptionsSchema = z.strictObject({
  queue: wholeNumber(0, 65_535).default(RULES_DEFAULTS.queue),
  workers: wholeNumber(1, MAX_WORKERS).default(RULES_DEFAULTS.workers),
  ports: ports.default([...RULES_DEFAULTS.ports]),
  anchor: anchor.optional(),
  policy: z.enum(['strict', 'kernel'], 'must be strict or kernel').default('strict'),
  allowAddress: z.array(z.string()).default([]),
  announceAddress: z
    .array(publicAddress)
    .refine(
      eachOnce,
      'must name each private address once, and at most one public address without a private one',
    )
    .default([]),
  activeSourcePort: port.optional(),
  passivePorts: portRange.optional(),
  expectSeconds: wholeNumber(1, 86_400).optional(),
  mark: mark.default(RULES_DEFAULTS.mark),
  queueLength: wholeNumber(1, 1_000_000).default(8192),
  whenFull: z.enum(['accept', 'drop'], 'must be accept or drop').default('accept'),
  maxConnections: wholeNumber(16, 1_048_576).default(262_144),
  maxConnectionsPerClient: wholeNumber(1, 1_048_576).default(4096),
  maxExpectationsPerClient: wholeNumber(1, 1_048_576).default(512),
  logRate: wholeNumber(1, 1_000_000).default(1000),
  idleSeconds: wholeNumber(60, 31_536_000).default(432_000),
  logLevel: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
});
export type RunOptions = z.infer<typeof RunOptionsSchema>;

export const RulesOptionsSchema = z.strictObject({
  queue: RunOptionsSchema.shape.queue,
  workers: RunOptionsSchema.shape.workers,
  workerMark: mark.default(RULES_DEFAULTS.workerMark),
  ports: RunOptionsSchema.shape.ports,
  anchor: anchor.default(RULES_DEFAULTS.anchor),
  mark: RunOptionsSchema.shape.mark,
  failClosed: z.boolean().default(false),
  remove: z.boolean().default(false),
  apply: z.boolean().default(false),
});
export type RulesOptions = z.infer<typeof RulesOptionsSchema>;

export const ReplayOptionsSchema = RunOptionsSchema.pick({
  ports: true,
  policy: true,
  allowAddress: true,
  announceAddress: true,
  activeSourcePort: true,
  passivePorts: true,
}).extend({ translate: z.array(translatedAddress).default([]), json: z.boolean().default(false) });
export type ReplayOptions = z.infer<typeof ReplayOptionsSchema>;

export const DoctorOptionsSchema = RunOptionsSchema.pick({ queue: true, workers: true, anchor: true }).extend(
  {
    json: z.boolean().default(false),
  },
);
export type DoctorOptions = z.infer<typeof DoctorOptionsSchema>;

/** Checks options; throws `UsageError` naming each wrong one, as `--option` or as a key of `file`. */
export function checkOptions<T>(schema: z.ZodType<T>, values: unknown, file?: string): T {
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => complaint(issue, values, file));
  throw new UsageError(complaints.join('; '), { remedy: 'see --help for what each option takes' });
}

/** Reads a configuration file: a JSON object with the options' names in camel case. */
export function readConfiguration(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new UsageError(`cannot read the configuration file ${file}: ${why}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the configuration file ${file} is not JSON: ${why}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`the configuration file ${file} must hold one JSON object`);
  }
  checkOptions(RunOptionsSchema, value, file);
  return { ...value };
}

function complaint(issue: z.core.$ZodIssue, values: unknown, file: string | undefined): string {
  if (issue.code === 'unrecognized_keys') {
    return `${where(issue.keys.join(', '), file)} is not an option`;
  }
  const [key, place] = issue.path;
  const all =
    typeof key === 'string' ? new Map<string, unknown>(Object.entries(values ?? {})).get(key) : undefined;
  const given: unknown = Array.isArray(all) && typeof place === 'number' ? all[place] : all;
  const not = given === undefined ? '' : `, not ${JSON.stringify(given)}`;
  return `${where(String(key), file)} ${issue.message}${not}`;
}

function where(key: string, file: string | undefined): string {
  if (file !== undefined) return `${file}: ${key}`;
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
