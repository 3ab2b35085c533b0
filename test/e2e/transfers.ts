/**
 * What the end to end tests claim of transfers: that they pass, and how, or that the firewall stops them.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ANNOUNCEMENT_OF, isPassive, perform, sessionWith, type Work } from '../lab/clients/client.js';
import { droppedPackets } from '../lab/firewall.js';
import { FAMILIES } from '../lab/family.js';
import { SMALL_FILES, UPLOAD_FOLDER } from '../lab/ftp-root.js';
import { observeSession, type Observers, type SessionReport } from '../lab/session-report.js';
import { ROWS, type Row } from './rows.js';
import type { Scene } from './scene.js';

/** Long enough for what passes on this machine in a tenth of a second. */
const BLOCKED_AFTER_SECONDS = 2;

/** A local folder for one row of one test. */
const folderFor = ({ laboratory }: Scene, row: Row): string =>
  laboratory.makeFolder(row.label.replaceAll(' ', '-'));

/** Two downloads in one session, an upload and a listing, each seen to pass as related connections. */
export async function expectAllPass(scene: Scene, row: Row, daemon: Observers['daemon']): Promise<void> {
  const folder = folderFor(scene, row);
  const { server } = scene;

  await observeRow(scene, row, daemon, { kind: 'download', names: SMALL_FILES, into: folder });
  for (const name of SMALL_FILES) expectSameFile(join(folder, name), join(server.root, name));

  const from = join(server.root, SMALL_FILES[0]);
  const to = `${UPLOAD_FOLDER}/${row.label.replaceAll(' ', '-')}`;
  await observeRow(scene, row, daemon, { kind: 'upload', from, to });
  expectSameFile(join(server.root, to), from);

  const listing = await observeRow(scene, row, daemon, { kind: 'list' });
  for (const name of SMALL_FILES) expect(listing.completed.stdout).toContain(name);
}

/** Every row at once, with nobody there to open data connections: the firewall stops them all. */
export async function expectAllBlocked(scene: Scene): Promise<void> {
  const outcomes = await Promise.all(
    ROWS.map(async (row) => {
      const into = folderFor(scene, row);
      const session = sessionWith(scene.server, row.family, row.mode, BLOCKED_AFTER_SECONDS);
      const work: Work = { kind: 'download', names: [SMALL_FILES[0]], into };
      await perform(scene.topology.client.namespace, row.client, session, work);
      return [row.label, arrived(join(into, SMALL_FILES[0])) ? 'passed' : 'blocked'];
    }),
  );
  expect(Object.fromEntries(outcomes)).toEqual(
    Object.fromEntries(ROWS.map(({ label }) => [label, 'blocked'])),
  );
  for (const family of FAMILIES) {
    expect(await droppedPackets(scene.topology.firewall, family)).toBeGreaterThan(0);
  }
  expect(scene.watch.events).toEqual([]);
}

/** Runs one session and holds what the observers saw against each other. */
export async function observeRow(
  { topology, server, watch }: Scene,
  { client, mode, family }: Row,
  daemon: Observers['daemon'],
  work: Work,
): Promise<SessionReport> {
  const transfers = work.kind === 'download' ? work.names.length : 1;
  const session = sessionWith(server, family, mode);
  const report = await observeSession({ topology, watch, daemon }, client, session, work, transfers);

  const [connecting, listening] = isPassive(mode)
    ? [topology.client, topology.server]
    : [topology.server, topology.client];
  const ports = report.expectations.map(({ tuple }) => tuple.destinationPort);
  const endpoints = { source: connecting.address[family], destination: listening.address[family] };
  expect(report.expectations.map(({ tuple }) => tuple)).toEqual(
    ports.map((destinationPort) => ({ ...endpoints, sourcePort: 0, destinationPort })),
  );
  expectOneMaster(
    report,
    topology.client.address[family],
    topology.server.address[family],
    server.settings.port,
  );
  expect(report.related.map(({ source, destination }) => ({ source, destination }))).toEqual(
    ports.map(() => endpoints),
  );
  expect(report.related.map((tuple) => tuple.destinationPort).toSorted()).toEqual(ports.toSorted());
  if (daemon !== undefined) {
    expect(report.decisions).toMatchObject(
      ports.map((port) => ({
        ...{ announcement: ANNOUNCEMENT_OF[mode], decision: 'expected' },
        ...{ address: endpoints.destination, port },
        client: topology.client.address[family],
        server: topology.server.address[family],
        serverPort: server.settings.port,
      })),
    );
  }
  return report;
}

/** All expectations of a session belong to its control connection. */
function expectOneMaster(report: SessionReport, source: string, destination: string, port: number): void {
  const sourcePort = report.expectations[0]?.master.sourcePort;
  for (const { master } of report.expectations) {
    expect(master).toEqual({ source, destination, sourcePort, destinationPort: port });
  }
}

function expectSameFile(one: string, other: string): void {
  // Not `toEqual`: nobody wants to read the difference.
  expect(readFileSync(one).equals(readFileSync(other)), `${one} is the same as ${other}`).toBe(true);
}

/** Some clients leave an empty file behind. */
const arrived = (path: string): boolean => existsSync(path) && readFileSync(path).length > 0;
