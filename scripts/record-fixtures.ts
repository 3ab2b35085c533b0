/**
 * Records test/fixtures/sessions: control connections of real clients and servers, captured on the gateway, with the
 * decisions beside them. What `replay` decides is written down only if it names the endpoints that the kernel itself told of,
 * in its events, when the daemon had it expect them.
 *
 *     npx tsx scripts/record-fixtures.ts
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScene, type Scene } from '../test/e2e/scene.js';
import { sessionWith, type ClientProgram, type Mode, type Work } from '../test/lab/clients/client.js';
import { curl } from '../test/lab/clients/curl.js';
import { lftp } from '../test/lab/clients/lftp.js';
import { ncftp } from '../test/lab/clients/ncftp.js';
import { tnftp } from '../test/lab/clients/tnftp.js';
import { runChecked } from '../test/lab/command.js';
import { conntrackFtp, Daemon, loadDaemonRules } from '../test/lab/daemon.js';
import { FAMILIES, type Family } from '../test/lab/family.js';
import { SMALL_FILES } from '../test/lab/ftp-root.js';
import { SERVERS } from '../test/lab/servers/all.js';
import type { ServerProgram } from '../test/lab/servers/server.js';
import { observeSession } from '../test/lab/session-report.js';

const FOLDER = join(import.meta.dirname, '../test/fixtures/sessions');
const MODES: Readonly<Record<Family, readonly Mode[]>> = {
  4: ['PASV', 'EPSV', 'PORT', 'EPRT'],
  6: ['EPSV', 'EPRT'],
};
const CLIENTS: readonly ClientProgram[] = [curl, lftp, ncftp, tnftp];

/** Each server with one client, in every mode of that client. */
const pairs = SERVERS.map((program, at) => ({ program, client: CLIENTS[at] ?? curl }));

async function record(program: ServerProgram, client: ClientProgram): Promise<void> {
  const scene = await openScene({ placement: 'gateway', program });
  try {
    await loadDaemonRules(scene.topology.firewall, [21]);
    const daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
    for (const family of FAMILIES) {
      for (const mode of MODES[family].filter((each) => client.modes[family].includes(each))) {
        await recordSession(scene, daemon, client, mode, family);
      }
    }
    await daemon.stop();
  } finally {
    await scene.laboratory.close();
  }
}

async function recordSession(
  scene: Scene,
  daemon: Daemon,
  client: ClientProgram,
  mode: Mode,
  family: Family,
): Promise<void> {
  const { laboratory, topology, server, watch } = scene;
  const file = `${server.program.name}-${client.name}-${mode.toLowerCase()}-ipv${family}.pcap`;
  const capture = [
    'tcpdump',
    '--immediate-mode',
    '-U',
    '-i',
    'inside',
    '-w',
    join(FOLDER, file),
    'tcp port 21',
  ] as const;
  const tcpdump = await laboratory.start(topology.firewall, capture);
  await tcpdump.waitUntil('capturing', () => tcpdump.stderr.some((line) => line.includes('listening on')));
  const work: Work = { kind: 'download', names: SMALL_FILES, into: laboratory.makeFolder('downloads') };
  const session = sessionWith(server, family, mode);
  const observed = await observeSession(
    { topology, watch, daemon },
    client,
    session,
    work,
    SMALL_FILES.length,
  );
  await tcpdump.stop('SIGINT');
  const replayed = await runChecked(conntrackFtp('replay', '--json', join(FOLDER, file)));
  const announcements = replayed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly port: number });
  const told = observed.expectations.map(({ tuple }) => tuple.destinationPort);
  const decided = announcements.map(({ port }) => port);
  if (decided.join() !== told.join()) {
    throw new Error(`${file}: replay has the ports ${decided.join()}, the kernel told of ${told.join()}`);
  }
  const truth = { file, ports: [21], announcements };
  writeFileSync(join(FOLDER, file.replace('.pcap', '.truth.json')), `${JSON.stringify(truth, null, 1)}\n`);
  console.log(`${file}: ${decided.length} announcements`);
}

mkdirSync(FOLDER, { recursive: true });
for (const { program, client } of pairs) await record(program, client);
