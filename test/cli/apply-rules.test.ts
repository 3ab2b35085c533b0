import { beforeEach, describe, expect, it } from 'vitest';
import { MissingError, NotPermittedError, RulesetRejected } from '../../src/errors.js';
import { applyIptables, applyNft, type RulesHost } from '../../src/cli/apply-rules.js';
import type { RunTool, ToolResult } from '../../src/cli/netfilter-tool.js';
import { RULES_DEFAULTS } from '../../src/rules/options.js';
import { IptablesModel } from '../rules/iptables-model.js';

const OK: ToolResult = { status: 0, output: '', complaint: '' };
const failure = (complaint: string): ToolResult => ({ status: 1, output: '', complaint });

/** The tables of both families, with scripted failures. */
class Host implements RulesHost {
  readonly four = new IptablesModel();
  readonly six = new IptablesModel();
  ipv6 = true;
  /** Lines that the kernel does not accept in IPv6. */
  refuses: (line: string) => boolean = () => false;
  intercept: (tool: string) => ToolResult | undefined = () => undefined;

  readonly hasIpv6 = (): boolean => this.ipv6;

  readonly run: RunTool = (tool, parameters, input = '') => {
    const intercepted = this.intercept(tool);
    if (intercepted !== undefined) return intercepted;
    const isSix = tool.startsWith('ip6');
    const model = isSix ? this.six : this.four;
    if (!tool.endsWith('-restore')) return { ...OK, output: model.list(parameters.at(-2) ?? '') };
    const failedLine = model.restore(input, isSix ? this.refuses : undefined);
    return failedLine === undefined ? OK : failure(`line failed: ${failedLine}`);
  };

  listing(): string {
    return [this.four, this.six].flatMap((model) => [model.list('raw'), model.list('mangle')]).join('\n');
  }
}

let host: Host;
beforeEach(() => {
  host = new Host();
});
const apply = (options = RULES_DEFAULTS): ReturnType<typeof applyIptables> => applyIptables(options, host);
const remove = (): ReturnType<typeof applyIptables> => applyIptables(undefined, host);

describe('applying the rules for iptables', () => {
  it('adds them for both families, and changes nothing the second time', () => {
    expect(apply()).toEqual([
      { where: 'IPv4', change: 'made' },
      { where: 'IPv6', change: 'made' },
    ]);
    const once = host.listing();
    const restores = host.four.restores;
    expect(apply().map(({ change }) => change)).toEqual(['unchanged', 'unchanged']);
    expect(host.listing()).toBe(once);
    expect(host.four.restores).toBe(restores);
  });

  it('replaces the rules of other options', () => {
    apply();
    apply({ ...RULES_DEFAULTS, queue: 9 });
    expect(host.listing()).toContain('--queue-num 9');
    expect(host.listing()).not.toContain('--queue-num 0');
  });

  it('removes them, and changes nothing the second time', () => {
    const before = host.listing();
    apply();
    expect(remove().map(({ change }) => change)).toEqual(['removed', 'removed']);
    expect(host.listing()).toBe(before);
    expect(remove().map(({ change }) => change)).toEqual(['unchanged', 'unchanged']);
  });

  it('handles only IPv4 on a host without IPv6, and says so', () => {
    host.ipv6 = false;
    const before = host.six.list('mangle');
    expect(apply()).toEqual([
      { where: 'IPv4', change: 'made' },
      { where: 'IPv6', change: 'no-ipv6' },
    ]);
    expect(host.six.list('mangle')).toBe(before);
  });

  it('refuses to remove a chain that a rule of the administrator jumps to, and names the rule', () => {
    apply();
    host.six.restore('*mangle\n-A FORWARD -j CONNTRACK_FTP\nCOMMIT\n');
    const before = host.listing();
    expect(remove).toThrow(RulesetRejected);
    expect(remove).toThrow(/IPv6, table mangle: .*-A FORWARD -j CONNTRACK_FTP/);
    expect(host.listing()).toBe(before);
  });
});

describe('when the kernel refuses the second family', () => {
  it('rolls back the first family, including tables already committed', () => {
    const before = host.listing();
    host.refuses = (line) => line.includes('NFQUEUE');
    expect(apply).toThrow(MissingError);
    expect(apply).toThrow(/lacks the NFQUEUE target \(ip6tables-restore\)/);
    expect(host.listing()).toBe(before);
  });

  it('keeps the older rules that it was going to replace', () => {
    apply();
    const before = host.listing();
    host.refuses = (line) => line.includes('--queue-num 9');
    expect(() => apply({ ...RULES_DEFAULTS, queue: 9 })).toThrow(RulesetRejected);
    expect(host.listing()).toBe(before);
  });

  it('names each missing piece and its module', () => {
    host.refuses = (line) => line.includes('-m bpf') || line.includes('--helper');
    let thrown: unknown;
    try {
      apply();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      message:
        'this kernel lacks a conntrack helper named sane for TCP, and the bpf match (ip6tables-restore)',
      remedy: expect.stringContaining('modprobe -a nfct-helper-sane xt_bpf') as string,
    });
  });

  it('says so if the rollback fails', () => {
    host.refuses = (line) => line.includes('NFQUEUE');
    let restores = 0;
    host.intercept = (tool) => {
      if (tool !== 'iptables-restore') return undefined;
      restores++;
      return restores > 1 ? failure('locked') : undefined;
    };
    expect(apply).toThrow(/lacks the NFQUEUE target.*the rollback of IPv4 failed: iptables-restore: locked/);
  });
});

const REFUSALS = [
  {
    name: 'no such tool',
    result: { status: undefined, output: '', complaint: '' },
    error: MissingError,
    says: /iptables is not installed/,
  },
  {
    name: 'iptables-nft without privilege',
    result: failure(
      'iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)',
    ),
    error: NotPermittedError,
    says: /not permitted/,
  },
  {
    name: 'iptables-legacy without privilege',
    result: failure("Fatal: can't open lock file /run/xtables.lock: Permission denied"),
    error: NotPermittedError,
    says: /not permitted/,
  },
  {
    name: 'a kernel without the table',
    result: failure(
      "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.",
    ),
    error: MissingError,
    says: /lacks a table: .*`raw': Table does not exist \(do you need to insmod\?\)$/,
  },
  {
    name: 'tables that nft made',
    result: failure("iptables v1.8.9 (nf_tables): table `raw' is incompatible, use 'nft' tool."),
    error: MissingError,
    says: /nft created parts of it/,
  },
  {
    name: 'anything else',
    result: failure('the moon is full'),
    error: RulesetRejected,
    says: /the moon is full/,
  },
];

it.each(REFUSALS)('$name is recognised, and nothing is changed', ({ result, error, says }) => {
  const before = host.listing();
  host.intercept = () => result;
  expect(apply).toThrow(error);
  expect(apply).toThrow(says);
  expect(host.listing()).toBe(before);
});

describe('applying the rules for nft', () => {
  const inputs: string[] = [];
  const nft =
    (accepts: (input: string) => boolean): RunTool =>
    (_tool, parameters, input = '') => {
      inputs.push(`${parameters.join(' ')}: ${input}`);
      return accepts(input) ? OK : failure('Error: Could not process rule: No such file or directory');
    };

  it('is one transaction', () => {
    inputs.length = 0;
    expect(applyNft(RULES_DEFAULTS, { run: nft(() => true), hasIpv6: host.hasIpv6 })).toEqual([
      { where: 'nftables', change: 'made' },
    ]);
    expect(applyNft(undefined, { run: nft(() => true), hasIpv6: host.hasIpv6 })).toEqual([
      { where: 'nftables', change: 'removed' },
    ]);
    expect(inputs).toHaveLength(2);
  });

  it('names what the kernel lacks, after checking the pieces without adding them', () => {
    inputs.length = 0;
    const attempt = (): unknown =>
      applyNft(RULES_DEFAULTS, { run: nft((input) => !input.includes('queue')), hasIpv6: host.hasIpv6 });
    expect(attempt).toThrow(MissingError);
    expect(attempt).toThrow(/lacks the queue statement \(nft\)/);
    const trials = inputs.filter((input) => input.includes('trial'));
    expect(trials.length).toBeGreaterThan(0);
    expect(trials.filter((input) => !input.startsWith('--check '))).toEqual([]);
  });
});
