import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { iptablesRules } from '../../src/rules/iptables.js';
import { nftRules } from '../../src/rules/nft.js';
import { checkRulesOptions, RULES_DEFAULTS, type RulesOptions } from '../../src/rules/options.js';

const someOptions = (changes: Partial<RulesOptions>): RulesOptions => ({ ...RULES_DEFAULTS, ...changes });
const portsFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => first + at);

const REFUSED: readonly { name: string; changes: Partial<RulesOptions>; says: RegExp }[] = [
  { name: 'a queue below 0', changes: { queue: -1 }, says: /queue must be .* from 0 to 65535, not -1/ },
  { name: 'a queue above 65535', changes: { queue: 65_536 }, says: /queue must be .*, not 65536/ },
  { name: 'a queue that is not whole', changes: { queue: 1.5 }, says: /queue must be .*, not 1\.5/ },
  {
    name: 'no port',
    changes: { ports: [] },
    says: /ports must be a list of ports from 1 to 65535, not \[\]/,
  },
  { name: 'port 0', changes: { ports: [0] }, says: /ports must be a list of ports from 1 to 65535/ },
  { name: 'port 65536', changes: { ports: [21, 65_536] }, says: /ports must be .*, not \[21,65536\]/ },
  { name: 'a port twice', changes: { ports: [21, 2121, 21] }, says: /ports must name each port once/ },
  { name: '16 ports', changes: { ports: portsFrom(21, 16) }, says: /ports must name at most 15 ports/ },
  { name: 'no helper', changes: { helper: '' }, says: /helper must be the name of a conntrack helper/ },
  { name: 'a helper of 16 characters', changes: { helper: 'a'.repeat(16) }, says: /at most 15 characters/ },
  { name: 'a helper with a blank', changes: { helper: 'sane -j DROP' }, says: /helper must be the name/ },
  { name: 'a helper with a quote', changes: { helper: 'sane"' }, says: /helper must be the name/ },
  { name: 'a helper with a line feed', changes: { helper: 'sane\n' }, says: /helper must be the name/ },
  {
    name: 'a helper that looks like an option',
    changes: { helper: '-sane' },
    says: /helper must be the name/,
  },
  { name: 'mark 0', changes: { mark: 0 }, says: /mark must be bits from 0x1 to 0xffffffff, not 0/ },
  { name: 'a mark of 33 bits', changes: { mark: 0x1_0000_0000 }, says: /mark must be bits from 0x1/ },
  { name: 'no worker', changes: { workers: 0 }, says: /workers must be .* from 1 to 64, not 0/ },
  { name: '65 workers', changes: { workers: 65, workerMark: 0x7f_0000 }, says: /workers must be .*, not 65/ },
  {
    name: 'a queue beyond the last',
    changes: { workers: 4, queue: 65_533 },
    says: /workers 4 needs the queues 65533 to 65536, and the last queue is 65535/,
  },
  { name: 'worker mark 0', changes: { workers: 2, workerMark: 0 }, says: /workerMark must be adjacent bits/ },
  {
    name: 'a worker mark with a hole',
    changes: { workers: 2, workerMark: 0x0d00_0000 },
    says: /workerMark must be adjacent bits, such as 0xf000000, not 218103808/,
  },
  {
    name: 'a worker mark of 33 bits',
    changes: { workers: 2, workerMark: 0x1_8000_0000 },
    says: /workerMark must be adjacent bits/,
  },
  {
    name: 'more workers than the mark can number',
    changes: { workers: 4, workerMark: 0xc000_0000 },
    says: /workerMark 0xc0000000 can number 3 workers, not 4/,
  },
  {
    name: 'a worker mark that overlaps the mark',
    changes: { workers: 2, workerMark: 0xe000_0000 },
    says: /workerMark 0xe0000000 must share no bit with the mark 0x20000000/,
  },
];

const TAKEN: readonly { name: string; changes: Partial<RulesOptions> }[] = [
  { name: 'the defaults', changes: {} },
  { name: '15 ports', changes: { ports: portsFrom(65_521, 15) } },
  { name: 'queue 65535', changes: { queue: 65_535 } },
  { name: 'a helper of 15 characters', changes: { helper: 'ftp-0123456.8_X' } },
  { name: 'all 32 bits, with one worker', changes: { mark: 0xffff_ffff } },
  { name: '15 workers', changes: { workers: 15 } },
  { name: 'a worker mark at the upper end', changes: { workers: 3, workerMark: 0xc000_0000 } },
  { name: 'a worker mark of one bit', changes: { workers: 1, workerMark: 0x1 } },
  { name: 'the last queues', changes: { workers: 4, queue: 65_532 } },
];

const MAKERS: readonly { name: string; make: (options: RulesOptions) => unknown }[] = [
  { name: 'the check', make: checkRulesOptions },
  { name: 'the text for iptables', make: iptablesRules },
  { name: 'the text for nft', make: nftRules },
];

describe.each(REFUSED)('$name', ({ changes, says }) => {
  it.each(MAKERS)('is refused with a sentence by $name', ({ make }) => {
    const making = (): unknown => make(someOptions(changes));
    expect(making).toThrow(UsageError);
    expect(making).toThrow(says);
  });
});

it.each(TAKEN)('$name may be asked for', ({ changes }) => {
  expect(() => {
    checkRulesOptions(someOptions(changes));
  }).not.toThrow();
});
