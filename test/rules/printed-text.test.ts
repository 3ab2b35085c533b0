import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { iptablesRemoval, iptablesRules } from '../../src/rules/iptables.js';
import { nftRemoval, nftRules } from '../../src/rules/nft.js';
import { RULES_DEFAULTS } from '../../src/rules/options.js';

const golden = (file: string): string =>
  readFileSync(new URL(`../fixtures/rules/${file}`, import.meta.url), 'utf8');

/** Every option differs from its default. */
const OTHER = { ...RULES_DEFAULTS, queue: 7, ports: [21, 2121], helper: 'pptp', mark: 0x3, failClosed: true };
const WORKERS = { ...OTHER, workers: 3, workerMark: 0xc };

const TEXTS = [
  { file: 'defaults.iptables', text: iptablesRules(RULES_DEFAULTS) },
  { file: 'other-options.iptables', text: iptablesRules(OTHER) },
  { file: 'workers.iptables', text: iptablesRules(WORKERS) },
  { file: 'removal.iptables', text: iptablesRemoval() },
  { file: 'defaults.nft', text: nftRules(RULES_DEFAULTS) },
  { file: 'other-options.nft', text: nftRules(OTHER) },
  { file: 'workers.nft', text: nftRules(WORKERS) },
  { file: 'removal.nft', text: nftRemoval() },
];

it.each(TEXTS)('the text equals the fixture $file', ({ file, text }) => {
  expect(text).toBe(golden(file));
});

describe('the text for iptables', () => {
  const lines = iptablesRules({ ...RULES_DEFAULTS, ports: [21, 2121] }).split('\n');

  it('differs between families only in lines that the other family ignores', () => {
    const only = (family: 4 | 6): string[] =>
      lines.filter((line) => line.startsWith(`-${family} `)).map((line) => line.slice(3));
    const withoutBytecode = (rule: string): string => rule.replace(/--bytecode "[^"]*"/, '');
    expect(only(4)).toHaveLength(2);
    expect(only(4).map(withoutBytecode)).toEqual(only(6).map(withoutBytecode));
    expect(only(4)).not.toEqual(only(6));
  });

  it("names the project in each rule's comment", () => {
    const rules = lines.filter((line) => /^(-[46] )?-A /.test(line));
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter((rule) => !rule.includes('--comment "conntrack-ftp: '))).toEqual([]);
  });

  it('sets no policy and does not declare chains of others', () => {
    expect(lines.filter((line) => /^:|^-P/.test(line))).toEqual([]);
    const appended = lines.map((line) => /^(?:-[46] )?-[AN] (\S+)/.exec(line)?.[1]);
    expect(new Set(appended.filter((chain) => chain !== undefined))).toEqual(
      new Set(['CONNTRACK_FTP', 'PREROUTING', 'OUTPUT']),
    );
  });
});
