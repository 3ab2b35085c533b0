/**
 * One schema for all commands: the same bad value gets the same sentence from each command that takes the option, and
 * any bad configuration file gets one of our own sentences.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../src/cli/doctor.js';
import { checkOptions, COMMAND_OPTIONS, mergeConfiguration, optionName } from '../../src/cli/options.js';
import { replayCommand } from '../../src/cli/replay.js';
import { rulesCommand } from '../../src/cli/rules.js';
import { runCommand } from '../../src/cli/run.js';
import { RUN_OPTIONS, RunOptionsSchema } from '../../src/daemon/settings.js';
import { UsageError } from '../../src/errors.js';

const COMMANDS: Record<keyof typeof COMMAND_OPTIONS, readonly [() => Command, readonly string[]]> = {
  run: [runCommand, []],
  rules: [rulesCommand, ['nft']],
  replay: [replayCommand, ['no-such-capture']],
  doctor: [doctorCommand, []],
};

const BAD_NUMBERS = ['', 'foo', '-1', '1.5', '1e3', '0x', '99999999999', '9'.repeat(20), ' '];
const BAD_VALUES: Readonly<Record<string, readonly string[]>> = {
  queue: [...BAD_NUMBERS, '65536'],
  workers: [...BAD_NUMBERS, '0', '65'],
  ports: [
    '',
    '0',
    '65536',
    '21,',
    '21,21',
    '21;22',
    '21.5',
    'ftp',
    Array.from(Array(16).keys(), (n) => n + 1).join(),
  ],
  helper: ['', '-x', 'a b', 'sane"', 'sane\n', 'a'.repeat(16), '.sane'],
  mark: ['', 'foo', '0', '0x0', '-1', '0x100000000', '4294967296', '1.5'],
  workerMark: ['', 'foo', '0', '0x50000000', '0x100000000'],
  policy: ['', 'lax', 'Strict', 'toString'],
  allowAddress: ['', 'cloud', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '2001:db8::/129', '10.0.0.0/-1'],
  announceAddress: [
    '',
    'cloud',
    '2001:db8::1',
    '203.0.113.7=',
    '203.0.113.7=10.0.0.300',
    '1.2.3.4=5.6.7.8=9.9.9.9',
  ],
  activeSourcePort: [...BAD_NUMBERS, '0', '65536'],
  passivePorts: ['', '30000', '30000-', '31000-30000', '0-10', '1-65536', '30000–30999', '30000:30999:31000'],
  expectSeconds: [...BAD_NUMBERS, '0', '86401'],
  queueLength: [...BAD_NUMBERS, '0'],
  whenFull: ['', 'wait'],
  maxConnections: [...BAD_NUMBERS, '15'],
  maxConnectionsPerClient: [...BAD_NUMBERS, '0'],
  maxExpectationsPerClient: [...BAD_NUMBERS, '0'],
  logRate: [...BAD_NUMBERS, '0'],
  idleSeconds: [...BAD_NUMBERS, '59'],
  logLevel: ['', 'trace', 'INFO'],
  translate: ['', '10.0.0.1', '10.0.0.1=2001:db8::1', '10.0.0.1=10.0.0.2=10.0.0.3'],
};

/** All sentences that may follow the name of an option; the wrong value comes last. */
const SENTENCES = [
  /^must be a whole number from \d+ to \d+$/,
  /^must be a list of (ports|ports such as 21,2121|ports from 1 to 65535)$/,
  /^must be a list of (networks such as 192\.0\.2\.0\/24|IPv4 addresses)$/,
  /^must name (at most 15 ports|each port once)$/,
  /^must be the name of a conntrack helper, such as sane$/,
  /^must be a name of at most 15 characters$/,
  /^must be bits from 0x1 to 0xffffffff$/,
  /^must be adjacent bits, such as 0xf000000$/,
  /^must be (strict or kernel|accept or drop|debug, info, warn, error or silent)$/,
  /^must be a network such as 192\.0\.2\.0\/24 or 2001:db8::\/32$/,
  /^must be an IPv4 address, or two such as 203\.0\.113\.7=10\.0\.0\.5$/,
  /^must be a lower and a higher port, such as 30000-30999$/,
  /^must be two addresses of one family, such as 10\.1\.0\.2=203\.0\.113\.7$/,
];
const ours = (complaint: string): boolean => {
  const sentence = complaint.slice(0, complaint.indexOf(', not '));
  return SENTENCES.some((known) => known.test(sentence));
};

/** Returns the error message of the command for `parameters`, which it must refuse. */
async function refusal(name: keyof typeof COMMANDS, parameters: readonly string[]): Promise<string> {
  const [make, before] = COMMANDS[name];
  try {
    await make()
      .exitOverride()
      .parseAsync([...before, ...parameters], { from: 'user' });
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`${name} took ${parameters.join(' ')}`);
}

const takers = (key: string): (keyof typeof COMMANDS)[] =>
  (Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]).filter((name) =>
    Object.hasOwn(COMMAND_OPTIONS[name], key),
  );

describe('the same bad value', () => {
  const rows = Object.entries(BAD_VALUES).flatMap(([key, values]) => values.map((value) => ({ key, value })));

  it.each(rows)('of $key, "$value", gets one sentence from each command', async ({ key, value }) => {
    const said = await Promise.all(takers(key).map((name) => refusal(name, [`${optionName(key)}=${value}`])));
    const [first = ''] = said;
    expect(new Set(said)).toEqual(new Set([first]));
    expect(first).toMatch(new RegExp(`^${optionName(key)} `));
    expect(first.slice(optionName(key).length + 1)).toSatisfy(ours);
  });

  it('covers every option with a value', () => {
    const keys = Object.values(COMMAND_OPTIONS).flatMap((rows) => Object.entries(rows));
    const withValue = keys.filter(([, row]) => 'argument' in row).map(([key]) => key);
    expect([...new Set(withValue)].filter((key) => key !== 'config').sort()).toEqual(
      Object.keys(BAD_VALUES).sort(),
    );
  });

  it.each(['run', 'rules'] as const)('of options that do not fit together is refused by %s', async (name) => {
    expect(await refusal(name, ['--workers', '4', '--queue', '65533'])).toBe(
      '--workers 4 needs the queues 65533 to 65536, and the last queue is 65535',
    );
  });
});

const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-ftp-options-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Returns the options from a file with `value`. */
function read(value: unknown, given: Readonly<Record<string, unknown>> = {}): unknown {
  const config = path.join(folder, 'conntrack-ftp.json');
  writeFileSync(config, JSON.stringify(value));
  return checkOptions(RunOptionsSchema, mergeConfiguration({ config, ...given }));
}

const complaintOf = (reading: () => unknown): string => {
  try {
    reading();
  } catch (error) {
    if (error instanceof UsageError) return error.message.replace(`${folder}/`, '');
    throw error;
  }
  return '';
};

describe('the configuration file', () => {
  it.each(Object.keys(RUN_OPTIONS))(
    'with any JSON value as %s is accepted, or refused in our words',
    (key) => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          const complaint = complaintOf(() => read({ [key]: value }));
          if (complaint === '') return true;
          const start = `conntrack-ftp.json: ${key} `;
          return complaint.startsWith(start) && ours(complaint.slice(start.length));
        }),
        { numRuns: 60 },
      );
    },
  );

  it('with keys of any spelling is refused in our words', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (key, value) => {
        fc.pre(key !== 'anchor' && !Object.hasOwn(RUN_OPTIONS, key));
        const file: unknown = JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`);
        return complaintOf(() => read(file)).startsWith(
          `conntrack-ftp.json: unknown key ${JSON.stringify(key)}`,
        );
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['a string for a list', { allowAddress: '10.0.0.0/8' }, 'allowAddress must be a list of networks'],
    ['null', { queue: null }, 'queue must be a whole number from 0 to 65535, not null'],
    [
      'a number for a name',
      { helper: 5 },
      'helper must be the name of a conntrack helper, such as sane, not 5',
    ],
    [
      'a nested object',
      { ports: { tcp: 21 } },
      'ports must be a list of ports such as 21,2121, not {"tcp":21}',
    ],
    ['numbers in a list of addresses', { announceAddress: [7] }, 'announceAddress must be an IPv4 address'],
    ['a misspelt key', { queueLenght: 1 }, 'unknown key "queueLenght"; did you mean "queueLength"?'],
    ['a key with hyphens', { 'queue-length': 1 }, 'unknown key "queue-length"; did you mean "queueLength"?'],
    ['a key that resembles no option', { colour: 1 }, 'unknown key "colour"'],
    ['a key of the object prototype', JSON.parse('{"__proto__": 1}'), 'unknown key "__proto__"'],
    ['an option of another command', { failClosed: true }, 'unknown key "failClosed"'],
    [
      'one private address twice',
      { announceAddress: ['203.0.113.7', '203.0.113.8'] },
      'announceAddress must name each private address once',
    ],
    [
      'both names of the helper with different values',
      { helper: 'sane', anchor: 'irc' },
      'anchor is the old name of helper: the values differ',
    ],
  ])('with %s is refused', (_what, value, sentence) => {
    expect(complaintOf(() => read(value))).toContain(`conntrack-ftp.json: ${sentence}`);
  });

  it('may use the old name of helper, also together with the new one', () => {
    expect(read({ anchor: 'irc' })).toMatchObject({ helper: 'irc' });
    expect(read({ anchor: 'irc', helper: 'irc' })).toMatchObject({ helper: 'irc' });
  });

  it('yields to the command line, whichever name either uses', () => {
    expect(read({ anchor: 'irc' }, { helper: 'sane' })).toMatchObject({ helper: 'sane' });
    expect(read({ helper: 'irc' }, { anchor: 'sane' })).toMatchObject({ helper: 'sane' });
    expect(read({ workers: 4, logRate: 3 }, { logRate: '9' })).toMatchObject({ workers: 4, logRate: 9 });
  });

  it.each(['30000-30999', '30000:30999'])('accepts a port range as %s', (passivePorts) => {
    expect(read({ passivePorts })).toMatchObject({ passivePorts: { first: 30_000, last: 30_999 } });
  });
});

it('reports all errors at once', () => {
  const values = { queue: 'x', policy: 'lax' };
  expect(complaintOf(() => checkOptions(RunOptionsSchema, values))).toBe(
    '--queue must be a whole number from 0 to 65535, not "x"; --policy must be strict or kernel, not "lax"',
  );
});

it('prints the same ruleset for --helper and --anchor', () => {
  const output: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string | Uint8Array) => output.push(String(text)) > 0;
  try {
    for (const name of ['--helper', '--anchor']) {
      rulesCommand().parse(['iptables', name, 'irc'], { from: 'user' });
    }
  } finally {
    process.stdout.write = write;
  }
  const [byNew, byOld] = output;
  expect(byOld).toBe(byNew);
  expect(byNew).toContain('--helper irc');
});
