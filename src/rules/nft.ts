/**
 * The ruleset as text for `nft -f -`: a separate table, `inet conntrack_ftp`. In one transaction the text adds the
 * table, deletes it and adds it again, so it can be applied any number of times, also over an older one. Needs
 * Linux 5.16 and nft 1.0.2 (`@ih`); its hooks have the priority of iptables' mangle.
 *
 * @module
 */
import { checkRulesOptions, workerBits, type RulesOptions } from './options.js';

export const NFT_TABLE = 'inet conntrack_ftp';

const APPLY_HEADER = `# Rules of conntrack-ftp, for nft -f - ; they can be applied again and replace an earlier version.
# They create their own table and change nothing else. \`conntrack-ftp rules nft --remove\` prints the text that removes it.
`;

const REMOVE_HEADER = `# Removes the rules of conntrack-ftp, for nft -f - ; does nothing if there are none.
`;

/** Adding first lets the deletion succeed if there is no such table. */
const DELETE = `table ${NFT_TABLE}
delete table ${NFT_TABLE}
`;

/** The text that creates or replaces the rules. Throws `UsageError` for options that no ruleset can express. */
export function nftRules(options: RulesOptions): string {
  checkRulesOptions(options);
  return [APPLY_HEADER, DELETE, table(options)].join('\n');
}

/** The text that removes the rules; it succeeds if there are none. */
export function nftRemoval(): string {
  return [REMOVE_HEADER, DELETE].join('\n');
}

/**
 * Both hooks come after conntrack (-200), because the helper is attached to its entry, and before DNAT (-100): on
 * kernels before 6.1.167 and 6.12.64 a helper attached later has no sequence adjustment, and packets must be seen
 * with the addresses that conntrack knows.
 *
 * `@ih,0,8 >= 0` matches any first byte of TCP payload, and nothing if there is no payload.
 */
function table(options: RulesOptions): string {
  const { ports, helper, mark, workers } = options;
  const bits = hexadecimal(mark);
  const toQueue = workers === 1 ? queueStatement(options, 1) : 'goto workers';
  return `table ${NFT_TABLE} {
	# Conntrack accepts expectations only for connections with a helper, so new control connections get this
	# one. It is only a carrier helper: the daemon reads FTP.
	ct helper carrier {
		type "${helper}" protocol tcp
		l3proto inet
	}

	# As clients address them, before DNAT.
	set ports {
		type inet_service
		elements = { ${ports.join(', ')} }
	}

${workers === 1 ? '' : workerChains(options)}	# Queued are segments with payload, the FIN that follows, and the SYN-ACK (for its sequence numbers).
	chain control {
		ct mark and ${bits} == ${bits} return comment "conntrack-ftp: done"
		@ih,0,8 >= 0 ${toQueue} comment "conntrack-ftp: payload"
		tcp flags & fin == fin ${toQueue} comment "conntrack-ftp: FIN"
		tcp flags & (syn | ack) == syn | ack ${toQueue} comment "conntrack-ftp: SYN-ACK"
	}

	# Traffic of this host with itself, over lo, is queued in output only.
	chain prerouting {
		type filter hook prerouting priority mangle; policy accept;
		tcp dport @ports ct state new ct helper set "carrier" comment "conntrack-ftp: carrier helper"
		iifname != "lo" meta l4proto tcp ct state established ct original proto-dst @ports goto control comment "conntrack-ftp: FTP control connections"
	}

	chain output {
		type filter hook output priority mangle; policy accept;
		tcp dport @ports ct state new ct helper set "carrier" comment "conntrack-ftp: carrier helper"
		meta l4proto tcp ct state established ct original proto-dst @ports goto control comment "conntrack-ftp: FTP control connections"
	}
}
`;
}

const hexadecimal = (bits: number): string => `0x${bits.toString(16)}`;

function queueStatement({ queue, failClosed }: RulesOptions, worker: number): string {
  return `queue ${failClosed ? '' : 'flags bypass '}to ${queue + worker - 1}`;
}

/**
 * Sends the packet to the queue of the connection's worker. The remaining connections have no worker, or the number
 * of one that no longer exists; they are distributed evenly. Only packets to be queued reach this chain, so a
 * connection's first packet here is its SYN-ACK.
 */
function workerChains(options: RulesOptions): string {
  const numbers = Array.from({ length: options.workers }, (_, at) => at + 1);
  const bitsOf = (worker: number): string => hexadecimal(workerBits(options, worker));
  const others = hexadecimal(~options.workerMark >>> 0);
  const chains = numbers.map(
    (worker) => `	chain worker_${worker} {
		${queueStatement(options, worker)} comment "conntrack-ftp: worker ${worker}"
	}

	chain assign_${worker} {
		ct mark set ct mark and ${others} or ${bitsOf(worker)} comment "conntrack-ftp: for worker ${worker}"
		goto worker_${worker}
	}
`,
  );
  const known = numbers.map((worker) => `${bitsOf(worker)} : goto worker_${worker}`);
  const next = numbers.map((worker, at) => `${at} : goto assign_${worker}`);
  return `	# Each worker has its own queue. The first packet here writes the worker's number into the connection's mark, so
	# all packets of the connection go to one queue, regardless of NAT; no other bit of the mark changes.
${chains.join('\n')}
	chain workers {
		ct mark and ${hexadecimal(options.workerMark)} vmap { ${known.join(', ')} }
		numgen inc mod ${options.workers} vmap { ${next.join(', ')} }
	}

`;
}
