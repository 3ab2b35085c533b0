/**
 * The ruleset as text for `nft -f -`: one table of its own, `inet conntrack_ftp`. The text adds the table, deletes
 * it and adds it again, in one transaction: so it may be applied any number of times, also over an older one.
 * Needs Linux 5.16 and nft 1.0.2 (`@ih`); its hooks stand where iptables has mangle.
 *
 * @module
 */
import { checkRulesOptions, type RulesOptions } from './options.js';

export const NFT_TABLE = 'inet conntrack_ftp';

const APPLY_HEADER = `# Rules of conntrack-ftp, for nft -f - ; they may be applied again, and replace what an earlier text made.
# They are a table of their own, which \`conntrack-ftp rules nft --remove\` takes away; nothing else is changed.
`;

const REMOVE_HEADER = `# Takes the rules of conntrack-ftp away, for nft -f - ; without effect where there are none.
`;

/** Adding first lets the deletion succeed where there is no such table. */
const DELETE = `table ${NFT_TABLE}
delete table ${NFT_TABLE}
`;

/** The text that makes the rules, or replaces them. Throws `UsageError` for options that no ruleset can hold. */
export function nftRules(options: RulesOptions): string {
  checkRulesOptions(options);
  return [APPLY_HEADER, DELETE, table(options)].join('\n');
}

/** The text that takes the rules away; it succeeds where there are none. */
export function nftRemoval(): string {
  return [REMOVE_HEADER, DELETE].join('\n');
}

/**
 * Both hooks come after conntrack (-200), which the helper has to be given to, and before DNAT (-100): a helper
 * given later misses the sequence adjustment on kernels before 6.1.167 and 6.12.64, and packets have to be seen
 * with the addresses that conntrack knows them by.
 *
 * `@ih,0,8 >= 0` holds for each value of the first byte of TCP's payload, and for none where there is no such byte.
 */
function table({ queue, ports, anchor, mark, failClosed }: RulesOptions): string {
  const bits = `0x${mark.toString(16)}`;
  const toQueue = failClosed ? `queue to ${queue}` : `queue flags bypass to ${queue}`;
  return `table ${NFT_TABLE} {
	# Conntrack expects data connections only for a connection that has a helper: new control connections get
	# this one. It is an anchor and no more, reading FTP is the daemon's work.
	ct helper anchor {
		type "${anchor}" protocol tcp
		l3proto inet
	}

	# As clients address them, before DNAT.
	set ports {
		type inet_service
		elements = { ${ports.join(', ')} }
	}

	# To the daemon go segments with payload, the FIN behind them, and the SYN-ACK for its sequence numbers.
	chain control {
		ct mark and ${bits} == ${bits} return comment "conntrack-ftp: done"
		@ih,0,8 >= 0 ${toQueue} comment "conntrack-ftp: payload"
		tcp flags & fin == fin ${toQueue} comment "conntrack-ftp: FIN"
		tcp flags & (syn | ack) == syn | ack ${toQueue} comment "conntrack-ftp: SYN-ACK"
	}

	# Traffic of this host with itself, by lo, is queued in output only.
	chain prerouting {
		type filter hook prerouting priority mangle; policy accept;
		tcp dport @ports ct state new ct helper set "anchor" comment "conntrack-ftp: anchor"
		iifname != "lo" meta l4proto tcp ct state established ct original proto-dst @ports goto control comment "conntrack-ftp: FTP control connections"
	}

	chain output {
		type filter hook output priority mangle; policy accept;
		tcp dport @ports ct state new ct helper set "anchor" comment "conntrack-ftp: anchor"
		meta l4proto tcp ct state established ct original proto-dst @ports goto control comment "conntrack-ftp: FTP control connections"
	}
}
`;
}
