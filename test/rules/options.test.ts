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
];

const TAKEN: readonly { name: string; changes: Partial<RulesOptions> }[] = [
  { name: 'the defaults', changes: {} },
  { name: '15 ports', changes: { ports: portsFrom(65_521, 15) } },
  { name: 'queue 65535', changes: { queue: 65_535 } },
  { name: 'an anchor of 15 characters', changes: { anchor: 'ftp-0123456.8_X' } },
  { name: 'all 32 bits', changes: { mark: 0xffff_ffff } },
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
