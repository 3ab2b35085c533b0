/**
 * The kernel features that a ruleset needs, each with the smallest ruleset that uses only this feature. After a
 * ruleset was refused, trying them shows which feature is missing; iptables-restore itself names a line at best.
 *
 * @module
 */
import { section } from './iptables.js';
import type { IptablesTable } from './iptables-chains.js';
import type { RulesOptions } from './options.js';

export interface Need {
  /** For a sentence, `the NFQUEUE target`. */
  readonly what: string;
  /** The kernel module that provides it. */
  readonly module: string;
  /** A ruleset that the kernel accepts if it has the feature. */
  readonly trial: string;
  /** Removes the trial, even a partial one; `undefined` if it is only checked (`nft --check`). */
  readonly removal?: string;
}

/** No packet traverses it: nothing jumps to it. */
const TRIAL_CHAIN = 'CONNTRACK_FTP_TRIAL';

export function iptablesNeeds({ helper, workers }: RulesOptions): Need[] {
  const ofWorkers = [
    iptablesNeed(
      'the statistic match',
      'xt_statistic',
      'mangle',
      '-m statistic --mode nth --every 2 --packet 0',
    ),
    iptablesNeed('the CONNMARK target', 'xt_connmark', 'mangle', '-j CONNMARK --set-xmark 0x1/0x1'),
  ];
  return [
    iptablesNeed('the comment match', 'xt_comment', 'raw', '-m comment --comment trial'),
    iptablesNeed('the multiport match', 'xt_multiport', 'raw', '-p tcp -m multiport --dports 21'),
    iptablesNeed('the CT target', 'xt_CT', 'raw', '-j CT --notrack'),
    iptablesNeed(helperOf(helper), moduleOf(helper), 'raw', `-p tcp -j CT --helper ${helper}`),
    iptablesNeed('the conntrack match', 'xt_conntrack', 'mangle', '-m conntrack --ctstate ESTABLISHED'),
    iptablesNeed('the connmark match', 'xt_connmark', 'mangle', '-m connmark --mark 1'),
    iptablesNeed('the bpf match', 'xt_bpf', 'mangle', '-m bpf --bytecode "1,6 0 0 0"'),
    iptablesNeed('the NFQUEUE target', 'xt_NFQUEUE', 'mangle', '-j NFQUEUE --queue-num 0 --queue-bypass'),
    ...(workers === 1 ? [] : ofWorkers),
  ];
}

/** For `nft --check`: nothing of it is made. */
export function nftNeeds({ helper, workers }: RulesOptions): Need[] {
  const ofWorkers = [nftNeed('the numgen expression', 'nft_numgen', 'chain trial { numgen inc mod 2 0; }')];
  return [
    nftNeed('the ct expression', 'nft_ct', 'chain trial { ct state new; }'),
    nftNeed(helperOf(helper), moduleOf(helper), `ct helper trial { type "${helper}" protocol tcp; }`),
    nftNeed('the payload match @ih (Linux 5.16, nft 1.0.2)', 'nf_tables', 'chain trial { @ih,0,8 >= 0; }'),
    nftNeed('the queue statement', 'nft_queue', 'chain trial { queue flags bypass to 0; }'),
    ...(workers === 1 ? [] : ofWorkers),
  ];
}

const helperOf = (name: string): string => `a conntrack helper named ${name} for TCP`;
/** Its alias, as the kernel itself asks for it. */
const moduleOf = (name: string): string => `nfct-helper-${name}`;

function iptablesNeed(what: string, module: string, table: IptablesTable, rule: string): Need {
  return {
    what,
    module,
    trial: section(table, [`:${TRIAL_CHAIN} - [0:0]`, `-A ${TRIAL_CHAIN} ${rule}`]),
    removal: section(table, [`:${TRIAL_CHAIN} - [0:0]`, `-X ${TRIAL_CHAIN}`]),
  };
}

function nftNeed(what: string, module: string, content: string): Need {
  return { what, module, trial: `table inet conntrack_ftp_trial {\n\t${content}\n}\n` };
}
