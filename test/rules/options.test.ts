import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { iptablesRules } from '../../src/rules/iptables.js';
import { nftRules } from '../../src/rules/nft.js';
import { checkRulesOptions, RULES_DEFAULTS, type RulesOptions } from '../../src/rules/options.js';

const someOptions = (changes: Partial<RulesOptions>): RulesOptions => ({ ...RULES_DEFAULTS, ...changes });
const portsFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => first + at);

const REFUSED: readonly { name: string; changes: Partial<RulesOptions>; says: RegExp }[] = [
  { name: 'a queue below 0', changes: { queue: -1 }, says: /queue number -1 is not within 0 to 65535/ },
  { name: 'a queue above 65535', changes: { queue: 65_536 }, says: /queue number 65536/ },
  { name: 'a queue that is not whole', changes: { queue: 1.5 }, says: /queue number 1\.5/ },
  { name: 'no port', changes: { ports: [] }, says: /no FTP port/ },
  { name: 'port 0', changes: { ports: [0] }, says: /port 0 is not within 1 to 65535/ },
  { name: 'port 65536', changes: { ports: [21, 65_536] }, says: /port 65536/ },
  { name: 'a port twice', changes: { ports: [21, 2121, 21] }, says: /port 21 is given twice/ },
  { name: '16 ports', changes: { ports: portsFrom(21, 16) }, says: /16 ports .* holds 15/ },
  { name: 'no anchor', changes: { anchor: '' }, says: /not the name of a conntrack helper/ },
  { name: 'an anchor of 16 characters', changes: { anchor: 'a'.repeat(16) }, says: /at most 15 characters/ },
  { name: 'an anchor with a blank', changes: { anchor: 'sane -j DROP' }, says: /not the name/ },
  { name: 'an anchor with a quote', changes: { anchor: 'sane"' }, says: /not the name/ },
  { name: 'an anchor with a line feed', changes: { anchor: 'sane\n' }, says: /not the name/ },
  { name: 'an anchor that looks like an option', changes: { anchor: '-sane' }, says: /not the name/ },
  { name: 'mark 0', changes: { mark: 0 }, says: /mark 0 is not within/ },
  { name: 'a mark of 33 bits', changes: { mark: 0x1_0000_0000 }, says: /is not within 1 to 0xffffffff/ },
  { name: 'no worker', changes: { workers: 0 }, says: /0 workers is not within 1 to 64/ },
  { name: '65 workers', changes: { workers: 65, workerMark: 0xff }, says: /65 workers is not within/ },
  {
    name: 'a queue beyond the last',
    changes: { workers: 4, queue: 65_533 },
    says: /4 queues from 65533 on go beyond the last, 65535/,
  },
  { name: 'worker mark 0', changes: { workers: 2, workerMark: 0 }, says: /0x0 is not a row of bits/ },
  {
    name: 'a worker mark with a hole',
    changes: { workers: 2, workerMark: 0x0d00_0000 },
    says: /0xd000000 is not a row of bits, side by side, as 0xf000000 is/,
  },
  {
    name: 'a worker mark of 33 bits',
    changes: { workers: 2, workerMark: 0x1_8000_0000 },
    says: /not a row of bits/,
  },
  {
    name: 'more workers than the mark can number',
    changes: { workers: 4, workerMark: 0xc000_0000 },
    says: /0xc0000000 has room for 3 workers, not for 4/,
  },
  {
    name: 'a worker mark that overlaps the mark',
    changes: { workers: 2, workerMark: 0xe000_0000 },
    says: /0xe0000000 and mark 0x20000000 have bits in common/,
  },
];

const TAKEN: readonly { name: string; changes: Partial<RulesOptions> }[] = [
  { name: 'the defaults', changes: {} },
  { name: '15 ports', changes: { ports: portsFrom(65_521, 15) } },
  { name: 'queue 65535', changes: { queue: 65_535 } },
  { name: 'an anchor of 15 characters', changes: { anchor: 'ftp-0123456.8_X' } },
  { name: 'all 32 bits, where there is one worker', changes: { mark: 0xffff_ffff } },
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
