/**
 * `rules`: prints the ruleset that goes with the daemon, or applies it with `--apply`.
 *
 * @module
 */
import { Argument, Command } from 'commander';
import { iptablesRemoval, iptablesRules } from '../rules/iptables.js';
import { nftRemoval, nftRules } from '../rules/nft.js';
import { applyIptables, applyNft, type AppliedRules } from './apply-rules.js';
import { addOptions, checkOptions, RulesOptionsSchema, type RulesCommandOptions } from './options.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp rules iptables --apply          IPv4 and IPv6; replaces the rules of an earlier run
  $ conntrack-ftp rules iptables --apply --remove
  $ conntrack-ftp rules iptables --ports 21,2121 | tee >(iptables-restore --noflush) | ip6tables-restore --noflush
  $ conntrack-ftp rules iptables --apply --workers 4
  $ conntrack-ftp rules nft | nft -f -

The rules only queue FTP control connections for the daemon; your own rules stay as they are. Your firewall must
accept ESTABLISHED and RELATED connections.`;

const CHANGES: Record<AppliedRules['change'], string> = {
  made: 'rules applied',
  removed: 'rules removed',
  unchanged: 'nothing to change',
  'no-ipv6': 'skipped, this host has no IPv6',
};

export function rulesCommand(): Command {
  return addOptions(
    new Command('rules')
      .description(
        'print the ruleset for iptables-restore --noflush and ip6tables-restore --noflush, or for nft -f -',
      )
      .addArgument(new Argument('<language>', 'iptables or nft').choices(['iptables', 'nft'])),
    'rules',
  )
    .addHelpText('after', EXAMPLES)
    .action((language: 'iptables' | 'nft', values: Record<string, unknown>) => {
      const options = checkOptions(RulesOptionsSchema, values);
      if (options.apply) apply(language, options);
      else process.stdout.write(ruleset(language, options));
    });
}

function ruleset(language: 'iptables' | 'nft', options: RulesCommandOptions): string {
  if (language === 'iptables') return options.remove ? iptablesRemoval() : iptablesRules(options);
  return options.remove ? nftRemoval() : nftRules(options);
}

function apply(language: 'iptables' | 'nft', options: RulesCommandOptions): void {
  const wanted = options.remove ? undefined : options;
  const applied = language === 'iptables' ? applyIptables(wanted) : applyNft(wanted);
  for (const { where, change } of applied) process.stderr.write(`${where}: ${CHANGES[change]}\n`);
}
