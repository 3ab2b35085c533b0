/**
 * `rules`: prints the ruleset that goes with the daemon, or applies it where that is asked for.
 *
 * @module
 */
import { Argument, Command } from 'commander';
import { iptablesRemoval, iptablesRules } from '../rules/iptables.js';
import { nftRemoval, nftRules } from '../rules/nft.js';
import { applyIptables, applyNft, type AppliedRules } from './apply-rules.js';
import { checkOptions, RulesOptionsSchema, type RulesOptions } from '../daemon/settings.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp rules iptables --apply          IPv4 and IPv6; may be repeated, replaces what was there
  $ conntrack-ftp rules iptables --apply --remove
  $ conntrack-ftp rules iptables --ports 21,2121 | tee >(iptables-restore --noflush) | ip6tables-restore --noflush
  $ conntrack-ftp rules iptables --apply --workers 4
  $ conntrack-ftp rules nft | nft -f -

The rules hand FTP control connections to the daemon and change nothing of yours. What your firewall accepts stays
its own matter: it needs ESTABLISHED and RELATED, see the README.`;

const CHANGES: Record<AppliedRules['change'], string> = {
  made: 'rules made',
  removed: 'rules removed',
  unchanged: 'nothing to change',
  'no-ipv6': 'left out, this host has no IPv6',
};

export function rulesCommand(): Command {
  return new Command('rules')
    .description(
      'print the ruleset for iptables-restore --noflush and ip6tables-restore --noflush, or for nft -f -',
    )
    .addArgument(new Argument('<language>', 'iptables or nft').choices(['iptables', 'nft']))
    .option('--queue <number>', 'NFQUEUE number, the first one of several workers (default: 0)')
    .option('--workers <n>', 'share the connections out to as many queues, for run --workers (default: 1)')
    .option('--worker-mark <bits>', 'connmark bits for the number of a worker (default: 0xf000000)')
    .option('--ports <list>', 'ports of FTP servers, up to 15 (default: 21)')
    .option('--anchor <name>', 'the helper to attach to control connections (default: sane)')
    .option('--mark <bits>', 'connmark bits of connections that need no reading (default: 0x20000000)')
    .option('--fail-closed', 'without a daemon drop control packets (default: let them pass unread)')
    .option('--remove', 'print, or apply, what takes the rules away')
    .option('--apply', 'change the ruleset instead of printing it')
    .addHelpText('after', EXAMPLES)
    .action((language: 'iptables' | 'nft', values: unknown) => {
      const options = checkOptions(RulesOptionsSchema, values);
      if (options.apply) apply(language, options);
      else process.stdout.write(ruleset(language, options));
    });
}

function ruleset(language: 'iptables' | 'nft', options: RulesOptions): string {
  if (language === 'iptables') return options.remove ? iptablesRemoval() : iptablesRules(options);
  return options.remove ? nftRemoval() : nftRules(options);
}

function apply(language: 'iptables' | 'nft', options: RulesOptions): void {
  const wanted = options.remove ? undefined : options;
  const applied = language === 'iptables' ? applyIptables(wanted) : applyNft(wanted);
  for (const { where, change } of applied) process.stderr.write(`${where}: ${CHANGES[change]}\n`);
}
