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
import { ExpectationWatch } from '../../test/lab/conntrack.js';
import { DEFAULT_ANCHOR } from '../../test/lab/daemon.js';
import type { Family } from '../../test/lab/family.js';
import { filterRules, restoreRules } from '../../test/lab/firewall.js';
import { SMALL_FILES } from '../../test/lab/ftp-root.js';
import type { Laboratory } from '../../test/lab/laboratory.js';
import { startServer } from '../../test/lab/servers/server.js';
import { vsftpd } from '../../test/lab/servers/vsftpd.js';
import { buildTopology } from '../../test/lab/topology.js';
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

/** Fetches a file; answers whether it came, byte by byte. */
export async function download(
  stage: Stage,
  { mode, family }: Transfer,
  patience?: number,
): Promise<boolean> {
  const { laboratory, topology, server } = stage;
  const [name] = SMALL_FILES;
  const into = laboratory.makeFolder('downloads');
  const session = sessionWith(server, family, mode, patience);
  await perform(topology.client.namespace, curl, session, { kind: 'download', names: [name], into });
  const copy = join(into, name);
  return existsSync(copy) && readFileSync(copy).equals(readFileSync(join(server.root, name)));
}
