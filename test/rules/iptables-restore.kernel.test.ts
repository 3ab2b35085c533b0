import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyIptables } from '../../src/cli/apply-rules.js';
import { MissingError } from '../../src/errors.js';
import { iptablesRemoval, iptablesRules } from '../../src/rules/iptables.js';
import { RULES_DEFAULTS, type RulesOptions } from '../../src/rules/options.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { restoreBoth, rulesHost, saved, VARIANTS } from './rules-host.js';

/**
 * The administrator's ruleset: policies, chains, counters, quoted comments, and rules in the same built-in chains.
 */
const ADMINISTRATOR = `*raw
:PREROUTING ACCEPT [7:700]
:NOTRACKED - [0:0]
[3:300] -A PREROUTING -p udp -m udp --dport 53 -j NOTRACKED
-A OUTPUT -p tcp -m tcp --dport 21 -m comment --comment "ftp \\"of old\\"" -j CT --zone 7
-A NOTRACKED -j CT --notrack
COMMIT
*mangle
:FORWARD DROP [11:1100]
-A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x1/0x1
-A OUTPUT -p tcp -m comment --comment conntrack-ftp -j CONNMARK --set-xmark 0x2/0x2
COMMIT
*nat
-A POSTROUTING -o eth9 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [5:500]
:FORWARD DROP [0:0]
:SERVICES - [0:0]
[1:60] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -j SERVICES
-A SERVICES -p tcp -m multiport --dports 21,22 -j ACCEPT
COMMIT
`;

const OTHER: RulesOptions = {
  queue: 65_535,
  ports: Array.from({ length: 15 }, (_, at) => 65_521 + at),
  helper: 'sane',
  mark: 0xffff_ffff,
  failClosed: true,
  workers: 1,
  workerMark: RULES_DEFAULTS.workerMark,
};

/** A mask that avoids all other bits, with as many workers as it can number. */
const WORKERS: RulesOptions = { ...RULES_DEFAULTS, queue: 65_533, workers: 3, workerMark: 0xc0_0000 };

let laboratory: Laboratory;
let gateway: Namespace;
beforeEach(async () => {
  laboratory = new Laboratory();
  gateway = await laboratory.namespace('rules');
});
afterEach(async () => {
  await laboratory.close();
});

describe.each(VARIANTS)('with iptables-%s', (variant) => {
  const snapshot = (): Promise<string> => saved(gateway, variant);
  const restore = (text: string): Promise<number[]> => restoreBoth(gateway, variant, text);

  beforeEach(async () => {
    expect(await restore(ADMINISTRATOR)).toEqual([0, 0]);
  });

  it.each([
    { name: 'the defaults', options: RULES_DEFAULTS },
    { name: '15 ports and every other option', options: OTHER },
    { name: 'three workers', options: WORKERS },
  ])(
    'both families accept the printed text ($name), and the removal restores the previous state',
    async ({ options }) => {
      const before = await snapshot();
      expect(await restore(iptablesRules(options))).toEqual([0, 0]);
      const applied = await snapshot();
      expect(withoutOurs(applied)).toBe(before);
      expect(await restore(iptablesRemoval())).toEqual([0, 0]);
      expect(await snapshot()).toBe(before);
    },
  );

  it('applying the printed text a second time fails and changes nothing', async () => {
    await restore(iptablesRules(RULES_DEFAULTS));
    const once = await snapshot();
    expect(await restore(iptablesRules(OTHER))).not.toContain(0);
    expect(await restore(iptablesRules(WORKERS))).not.toContain(0);
    expect(await snapshot()).toBe(once);
  });

  it('a table changes completely or not at all', async () => {
    const before = await snapshot();
    const broken = iptablesRules(RULES_DEFAULTS).replaceAll('--helper sane', '--helper nosuchhelper');
    expect(await restore(broken)).not.toContain(0);
    expect(await snapshot()).toBe(before);
  });

  it('applying can be repeated and replaces other options, and removing can be repeated', async () => {
    const host = rulesHost(gateway, variant);
    const before = await snapshot();
    const changes = (options: RulesOptions | undefined): string[] =>
      applyIptables(options, host).map(({ change }) => change);

    expect(changes(RULES_DEFAULTS)).toEqual(['made', 'made']);
    const once = await snapshot();
    expect(withoutOurs(once)).toBe(before);
    expect(changes(RULES_DEFAULTS)).toEqual(['unchanged', 'unchanged']);
    expect(await snapshot()).toBe(once);

    expect(changes(OTHER)).toEqual(['made', 'made']);
    expect(changes(OTHER)).toEqual(['unchanged', 'unchanged']);
    expect(withoutOurs(await snapshot())).toBe(before);
    for (const workers of [3, 15, 2]) {
      const options = { ...RULES_DEFAULTS, workers };
      expect(changes(options)).toEqual(['made', 'made']);
      expect(changes(options)).toEqual(['unchanged', 'unchanged']);
      expect(withoutOurs(await snapshot())).toBe(before);
    }
    expect(changes(RULES_DEFAULTS)).toEqual(['made', 'made']);
    expect(await snapshot()).toBe(once);

    changes(WORKERS);
    expect(changes(undefined)).toEqual(['removed', 'removed']);
    expect(await snapshot()).toBe(before);
    expect(changes(undefined)).toEqual(['unchanged', 'unchanged']);
    expect(await snapshot()).toBe(before);
  });

  it.each([
    { name: 'one worker', options: OTHER },
    { name: 'three workers', options: WORKERS },
  ])('applying is the same as the printed text ($name)', async ({ options }) => {
    applyIptables(options, rulesHost(gateway, variant));
    const applied = await snapshot();
    applyIptables(undefined, rulesHost(gateway, variant));
    await restore(iptablesRules(options));
    expect(await snapshot()).toBe(applied);
  });

  it("the administrator's rule that goes to the workers' chain keeps that chain, and is named", async () => {
    const host = rulesHost(gateway, variant);
    applyIptables(WORKERS, host);
    await restore('*mangle\n-A FORWARD -p tcp -j CONNTRACK_FTP_WORKERS\nCOMMIT\n');
    const before = await snapshot();
    for (const options of [RULES_DEFAULTS, undefined]) {
      expect(() => applyIptables(options, host)).toThrow(
        /table mangle: one of your own rules uses CONNTRACK_FTP_WORKERS: -A FORWARD -p tcp -j CONN/,
      );
    }
    expect(await snapshot()).toBe(before);
    expect(applyIptables({ ...WORKERS, workers: 2 }, host).map(({ change }) => change)).toEqual([
      'made',
      'made',
    ]);
  });

  it.each([
    { name: 'only raw was made', text: iptablesRules(RULES_DEFAULTS).replace(/\*mangle[^]*/, '') },
    { name: 'only mangle was made', text: iptablesRules(RULES_DEFAULTS).replace(/\*raw[^]*?COMMIT/, '') },
    {
      name: 'the chains are there without jumps',
      text: iptablesRules(RULES_DEFAULTS).replaceAll(/^-A (P|O).*$/gm, ''),
    },
    {
      name: 'the jumps are doubled',
      text: iptablesRules(RULES_DEFAULTS).replaceAll(/^-A (P|O).*$/gm, '$&\n$&'),
    },
  ])('applying mends a state in which $name, and removing clears it', async ({ text }) => {
    const host = rulesHost(gateway, variant);
    const before = await snapshot();
    applyIptables(RULES_DEFAULTS, host);
    const whole = await snapshot();
    applyIptables(undefined, host);

    expect(await restore(text)).toEqual([0, 0]);
    applyIptables(RULES_DEFAULTS, host);
    expect(await snapshot()).toBe(whole);
    applyIptables(undefined, host);
    await restore(text);
    applyIptables(undefined, host);
    expect(await snapshot()).toBe(before);
  });

  it('a helper that the kernel lacks is named, and nothing is left behind', async () => {
    const before = await snapshot();
    const attempt = (): unknown =>
      applyIptables({ ...RULES_DEFAULTS, helper: 'nosuchhelper' }, rulesHost(gateway, variant));
    expect(attempt).toThrow(MissingError);
    expect(attempt).toThrow(/lacks a conntrack helper named nosuchhelper for TCP \(iptables-restore\)/);
    expect(await snapshot()).toBe(before);
  });

  it('an IPv4-only helper: IPv6 fails, and IPv4 is restored', async () => {
    const host = rulesHost(gateway, variant);
    applyIptables(OTHER, host);
    const before = await snapshot();
    const attempt = (): unknown => applyIptables({ ...RULES_DEFAULTS, helper: 'irc' }, host);
    expect(attempt).toThrow(/lacks a conntrack helper named irc for TCP \(ip6tables-restore\)/);
    expect(await snapshot()).toBe(before);
  });
});

/** A saved ruleset without the lines of this project. */
const withoutOurs = (text: string): string => text.replaceAll(/^.*CONNTRACK_FTP.*\n/gm, '');
