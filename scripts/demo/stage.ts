/**
 * What the demo plays on: a client, a gateway with a default-drop filter, and a server with vsftpd, as network
 * namespaces; and its one act, a download by curl.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { perform, sessionWith, type Mode } from '../../test/lab/clients/client.js';
import { curl } from '../../test/lab/clients/curl.js';
import { ExpectationWatch, flushConnections } from '../../test/lab/conntrack.js';
import { DEFAULT_ANCHOR } from '../../test/lab/daemon.js';
import type { Family } from '../../test/lab/family.js';
import { filterRules, restoreRules } from '../../test/lab/firewall.js';
import { SMALL_FILES } from '../../test/lab/ftp-root.js';
import type { Laboratory } from '../../test/lab/laboratory.js';
import { startServer } from '../../test/lab/servers/server.js';
import { vsftpd } from '../../test/lab/servers/vsftpd.js';
import { buildTopology, CLIENT_SIDE as GATEWAY } from '../../test/lab/topology.js';
import type { Stage } from '../../test/lab/transfer-under-way.js';

export interface Transfer {
  readonly mode: Mode;
  readonly family: Family;
  /** `PASV IPv4` */
  readonly label: string;
}

export const TRANSFERS: readonly Transfer[] = (
  [
    ['PASV', 4],
    ['EPSV', 4],
    ['PORT', 4],
    ['EPRT', 4],
    ['EPSV', 6],
    ['EPRT', 6],
  ] as const
).map(([mode, family]) => ({ mode, family, label: `${mode} IPv${family}` }));

export const FILTER = filterRules('gateway', { ports: [21], helper: DEFAULT_ANCHOR });

export async function openStage(laboratory: Laboratory): Promise<Stage> {
  const topology = await buildTopology(laboratory, 'gateway');
  await restoreRules(topology.firewall, FILTER);
  return {
    laboratory,
    topology,
    server: await startServer(laboratory, vsftpd, topology.server),
    watch: await ExpectationWatch.start(laboratory, topology.firewall),
  };
}

/** The gateway hides the client behind its own address, and publishes the server under another of its own. */
export const TRANSLATION = [
  '-A POSTROUTING -o outside -p tcp -j MASQUERADE',
  `-4 -A PREROUTING -d ${GATEWAY[4]} -p tcp --dport 21 -j DNAT --to-destination 10.2.0.2`,
  `-6 -A PREROUTING -d ${GATEWAY[6]} -p tcp --dport 21 -j DNAT --to-destination 2001:db8:2::2`,
];

/** Has the gateway translate by `rules` of its nat table, or not at all. */
export async function translate({ topology: { firewall } }: Stage, rules: readonly string[]): Promise<void> {
  await restoreRules(firewall, ['*nat', '-F', ...rules, 'COMMIT', ''].join('\n'));
  await flushConnections(firewall);
}

export interface DownloadOptions {
  /** Seconds to wait for a data connection. */
  readonly patience?: number;
  /** From the address that the gateway publishes, not from the server's own. */
  readonly published?: boolean;
}

/** Fetches a file; answers whether it came, byte by byte. */
export async function download(
  stage: Stage,
  { mode, family }: Transfer,
  { patience, published = false }: DownloadOptions = {},
): Promise<boolean> {
  const { laboratory, topology, server } = stage;
  const [name] = SMALL_FILES;
  const into = laboratory.makeFolder('downloads');
  const own = sessionWith(server, family, mode, patience);
  const session = published ? { ...own, address: GATEWAY[family] } : own;
  await perform(topology.client.namespace, curl, session, { kind: 'download', names: [name], into });
  const copy = join(into, name);
  return existsSync(copy) && readFileSync(copy).equals(readFileSync(join(server.root, name)));
}
