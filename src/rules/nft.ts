/**
 * The ruleset as text for `nft -f -`: one table of its own, `inet conntrack_ftp`. The text adds the table, deletes
 * it and adds it again, in one transaction: so it may be applied any number of times, also over an older one.
 * Needs Linux 5.16 and nft 1.0.2 (`@ih`); its hooks stand where iptables has mangle.
 *
 * @module
 */
import { checkRulesOptions, workerBits, type RulesOptions } from './options.js';

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
function table(options: RulesOptions): string {
  const { ports, helper, mark, workers } = options;
  const bits = hexadecimal(mark);
  const toQueue = workers === 1 ? queueStatement(options, 1) : 'goto workers';
  return `table ${NFT_TABLE} {
	# Conntrack expects data connections only for a connection that has a helper: new control connections get
	# this one. It is an anchor and no more, reading FTP is the daemon's work.
	ct helper anchor {
		type "${helper}" protocol tcp
		l3proto inet
	}

	# As clients address them, before DNAT.
	set ports {
		type inet_service
		elements = { ${ports.join(', ')} }
	}

${workers === 1 ? '' : workerChains(options)}	# To the daemon go segments with payload, the FIN behind them, and the SYN-ACK for its sequence numbers.
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

const hexadecimal = (bits: number): string => `0x${bits.toString(16)}`;

function queueStatement({ queue, failClosed }: RulesOptions, worker: number): string {
  return `queue ${failClosed ? '' : 'flags bypass '}to ${queue + worker - 1}`;
}

/**
 * To the queue of the connection's worker. What is left then has none, or one that an earlier ruleset gave it and that
 * is gone: each worker gets as many of those as the others. Nothing passes here before it is to be queued, so a
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
  return `	# The workers, each with its queue. A connection has its worker's number in its mark from its first packet here on,
	# so all of its packets go to one queue, whatever its addresses are translated to; no other bit of the mark is changed.
${chains.join('\n')}
	chain workers {
		ct mark and ${hexadecimal(options.workerMark)} vmap { ${known.join(', ')} }
		numgen inc mod ${options.workers} vmap { ${next.join(', ')} }
	}

`;
}
