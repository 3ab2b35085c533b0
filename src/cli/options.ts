/**
 * The options of the command line: those of `rules`, `replay` and `doctor`, how they are declared to commander, and how
 * the configuration file is read.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import * as z from 'zod/mini';
import { equatedAddresses, RunFieldsSchema, RUN_OPTIONS } from '../daemon/settings.js';
import { UsageError } from '../errors.js';
import {
  field,
  fieldsOf,
  isOn,
  listOf,
  option,
  readOptions,
  type Field,
  type OptionRow,
} from '../rules/option-fields.js';
import { checkQueues, checkWorkerMark, RULESET_OPTIONS } from '../rules/options.js';
import type { IpAddress } from '../wire/ip-address.js';
import { nearest } from './nearest.js';

/** NAT of a replayed capture: the host with the address `from` on the clients' side has `to` on the servers' side. */
export interface TranslatedAddress {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

const translatedAddress = field((value, wrong): TranslatedAddress => {
  const [from, to, ...rest] = equatedAddresses(value) ?? [];
  if (from === undefined || to === undefined || rest.length > 0) {
    return wrong('must be two addresses of one family, such as 10.1.0.2=203.0.113.7');
  }
  return { from, to };
});

const rulesOptions = {
  ...RULESET_OPTIONS,
  remove: option({
    field: z._default(isOn(), false),
    help: 'print, or apply, the removal of the rules',
  }),
  apply: option({
    field: z._default(isOn(), false),
    help: 'change the ruleset instead of printing it; a second run replaces the rules of the first',
  }),
} as const;
export const RulesOptionsSchema = z.strictObject(fieldsOf(rulesOptions)).check(checkQueues, checkWorkerMark);
export type RulesCommandOptions = z.infer<typeof RulesOptionsSchema>;

const replayOptions = {
  ports: RUN_OPTIONS.ports,
  policy: RUN_OPTIONS.policy,
  allowAddress: RUN_OPTIONS.allowAddress,
  announceAddress: RUN_OPTIONS.announceAddress,
  activeSourcePort: RUN_OPTIONS.activeSourcePort,
  passivePorts: RUN_OPTIONS.passivePorts,
  translate: option({
    field: z._default(listOf(translatedAddress, 'pairs of addresses'), []),
    argument: 'address=translated',
    help: 'decide as a host that does this SNAT or DNAT; the capture is from the clients’ side',
    repeatable: true,
  }),
  json: option({ field: z._default(isOn(), false), help: 'print one JSON decision record per line' }),
} as const;
export const ReplayOptionsSchema = z.strictObject(fieldsOf(replayOptions));
export type ReplayOptions = z.infer<typeof ReplayOptionsSchema>;

const doctorOptions = {
  queue: RUN_OPTIONS.queue,
  workers: RUN_OPTIONS.workers,
  helper: option({ ...RUN_OPTIONS.helper, fallback: 'all known ones' }),
  json: option({ field: z._default(isOn(), false), help: 'print one JSON finding per line' }),
} as const;
export const DoctorOptionsSchema = z.strictObject(fieldsOf(doctorOptions)).check(checkQueues);
export type DoctorOptions = z.infer<typeof DoctorOptionsSchema>;

const runOptions = {
  ...RUN_OPTIONS,
  config: option({
    field: z.optional(z.string()),
    argument: 'file',
    help: 'JSON file with these options in camel case; the command line takes precedence',
  }),
} as const;

/** The options of each command, in the order of its help. The keys of `run` are those of the configuration file. */
export const COMMAND_OPTIONS = {
  run: runOptions,
  rules: rulesOptions,
  replay: replayOptions,
  doctor: doctorOptions,
} as const satisfies Readonly<Record<string, Readonly<Record<string, OptionRow>>>>;
export type CommandName = keyof typeof COMMAND_OPTIONS;

/** `--queue-length` for `queueLength`. */
export const optionName = (key: string): string =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `--queue-length <packets>` */
export const optionFlags = (key: string, { argument }: OptionRow): string =>
  `${optionName(key)}${argument === undefined ? '' : ` <${argument}>`}`;

/** Gathers the values of an option that may be repeated. */
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Declares the options of the command `name` to commander. */
export function addOptions(command: Command, name: CommandName): Command {
  const rows: Readonly<Record<string, OptionRow>> = COMMAND_OPTIONS[name];
  for (const [key, row] of Object.entries(rows)) {
    const shown = row.fallback === undefined ? '' : ` (default: ${row.fallback})`;
    const made = new Option(optionFlags(key, row), row.help + (row.repeatable ? '; may be repeated' : shown));
    command.addOption(row.repeatable ? made.argParser(collect) : made);
  }
  if ('helper' in rows) command.addOption(new Option(`--${OLD_HELPER} <name>`).hideHelp());
  return command;
}

/** The old name of `--helper`. */
const OLD_HELPER = 'anchor';

/** Renames the old key to `helper`. Throws a `UsageError` if both names are given and differ. */
function renamed(
  values: Readonly<Record<string, unknown>>,
  nameOf: (key: string) => string,
  place = '',
): object {
  if (!Object.hasOwn(values, OLD_HELPER)) return values;
  const { [OLD_HELPER]: old, ...others } = values;
  if (Object.hasOwn(values, 'helper') && values['helper'] !== old) {
    const [oldName, name] = [nameOf(OLD_HELPER), nameOf('helper')];
    throw new UsageError(`${place}${oldName} is the old name of ${name}: the values differ`, {
      remedy: `leave out ${oldName}`,
    });
  }
  return { ...others, helper: old };
}

/** Checks the options of the command line. Throws a `UsageError` with a sentence for each wrong one. */
export function checkOptions<T>(schema: Field<T>, values: Readonly<Record<string, unknown>>): T {
  return readOptions(
    schema,
    renamed(values, optionName),
    optionName,
    'see --help for what each option takes',
  );
}

/** Returns the options of `run`; the command line takes precedence over the configuration file. */
export function mergeConfiguration({
  config,
  ...given
}: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fromFile = typeof config === 'string' ? readConfiguration(config) : {};
  return { ...fromFile, ...renamed(given, optionName) };
}

/** Reads a configuration file: a JSON object with the options' names in camel case. */
function readConfiguration(file: string): object {
  const value = parseConfiguration(file);
  const unknown = Object.keys(value).filter((key) => key !== OLD_HELPER && !Object.hasOwn(RUN_OPTIONS, key));
  if (unknown.length > 0) {
    throw new UsageError(`${file}: ${unknown.map(unknownKey).join('; ')}`, {
      remedy: 'see conntrack-ftp run --help: the keys are its options in camel case',
    });
  }
  const values = renamed(value, (key) => key, `${file}: `);
  readOptions(
    RunFieldsSchema,
    values,
    (key) => `${file}: ${key}`,
    'see conntrack-ftp run --help for what each option takes',
  );
  return values;
}

function unknownKey(key: string): string {
  const meant = nearest(key, Object.keys(RUN_OPTIONS));
  return `unknown key ${JSON.stringify(key)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

function parseConfiguration(file: string): Record<string, unknown> {
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
  return value as Record<string, unknown>;
}
