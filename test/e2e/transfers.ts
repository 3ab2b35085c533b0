/**
 * What the end to end tests claim of transfers: that they pass, and how, or that the firewall stops them.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ANNOUNCEMENT_OF, isPassive, perform, sessionWith, type Work } from '../lab/clients/client.js';
import { describeEnding, type Completed } from '../lab/command.js';
import { flushConnections, relatedConnections, type TextTuple } from '../lab/conntrack.js';
import type { Daemon } from '../lab/daemon.js';
import { droppedPackets } from '../lab/firewall.js';
import { FAMILIES } from '../lab/family.js';
import { SMALL_FILES, UPLOAD_FOLDER } from '../lab/ftp-root.js';
import { observeSession, type SessionReport } from '../lab/session-report.js';
import type { Row } from './rows.js';
import type { Scene } from './scene.js';

/** Long enough for what passes on an idle machine in a tenth of a second. */
const BLOCKED_AFTER_SECONDS = 2;
const OPEN_WITHIN_SECONDS = 15;

/**
 * Two downloads in one session, an upload and a listing arrive, and every data connection was one that
 * belongs to the session's control connection. `daemon` is absent where the kernel's helper does the work.
 */
export async function expectAllPass(scene: Scene, row: Row, daemon: Daemon | undefined): Promise<void> {
  const { server, laboratory, topology } = scene;
  const folder = laboratory.makeFolder('downloads');
  await flushConnections(topology.firewall);

  const download = await observeRow(scene, row, daemon, {
    kind: 'download',
    names: SMALL_FILES,
    into: folder,
  });
  for (const name of SMALL_FILES) {
    expectSameFile(join(folder, name), join(server.root, name), download.completed);
  }

  const from = join(server.root, SMALL_FILES[0]);
  const to = `${UPLOAD_FOLDER}/${row.label.replaceAll(' ', '-')}`;
  const upload = await observeRow(scene, row, daemon, { kind: 'upload', from, to });
  expectSameFile(join(server.root, to), from, upload.completed);

  const listing = await observeRow(scene, row, daemon, { kind: 'list' });
  for (const name of SMALL_FILES) expect(listing.completed.stdout).toContain(name);

  const expected = [download, upload, listing].flatMap((report) => report.expectations);
  const related = await relatedConnections(topology.firewall, row.family);
  expect(endpointsOf(related)).toEqual(endpointsOf(expected.map(({ tuple }) => tuple)));
}

/** With nobody there to open data connections the firewall stops those of all `rows`. */
export async function expectBlocked(scene: Scene, rows: readonly Row[]): Promise<void> {
  expect(await outcomesOf(scene, rows, BLOCKED_AFTER_SECONDS)).toEqual(allOf(rows, 'blocked'));
  for (const family of FAMILIES) {
    expect(await droppedPackets(scene.topology.firewall, family), `IPv${family}`).toBeGreaterThan(0);
  }
  expect(scene.watch.events).toEqual([]);
}

/** The downloads of all `rows` arrive although nobody is there to open data connections. */
export async function expectOpen(scene: Scene, rows: readonly Row[]): Promise<void> {
  expect(await outcomesOf(scene, rows, OPEN_WITHIN_SECONDS)).toEqual(allOf(rows, 'passed'));
  expect(scene.watch.events).toEqual([]);
}

type Outcome = 'passed' | 'blocked';

const allOf = (rows: readonly Row[], outcome: Outcome): Record<string, Outcome> =>
  Object.fromEntries(rows.map(({ label }) => [label, outcome]));

/** One download of each row, all at once. */
async function outcomesOf(
  { laboratory, topology, server }: Scene,
  rows: readonly Row[],
  patienceSeconds: number,
): Promise<Record<string, Outcome>> {
  const outcomes = await Promise.all(
    rows.map(async ({ label, client, mode, family }): Promise<[string, Outcome]> => {
      const into = laboratory.makeFolder('downloads');
      const session = sessionWith(server, family, mode, patienceSeconds);
      const work: Work = { kind: 'download', names: [SMALL_FILES[0]], into };
      await perform(topology.client.namespace, client, session, work);
      return [label, arrived(join(into, SMALL_FILES[0])) ? 'passed' : 'blocked'];
    }),
  );
  return Object.fromEntries(outcomes);
}

/** Runs one session, and holds what was announced, decided and expected against each other. */
async function observeRow(
  { topology, server, watch }: Scene,
  { client, mode, family }: Row,
  daemon: Daemon | undefined,
  work: Work,
): Promise<SessionReport> {
  const transfers = work.kind === 'download' ? work.names.length : 1;
  const session = sessionWith(server, family, mode);
  const report = await observeSession({ topology, watch, daemon }, client, session, work, transfers);

  expect(report.completed.status, describeEnding(report.completed)).toBe(0);

  const clientAddress = topology.client.address[family];
  const serverAddress = topology.server.address[family];
  const [source, destination] = isPassive(mode)
    ? [clientAddress, serverAddress]
    : [serverAddress, clientAddress];
  const master: TextTuple = {
    source: clientAddress,
    destination: serverAddress,
    sourcePort: report.expectations[0]?.master.sourcePort ?? 0,
    destinationPort: server.settings.port,
  };
  for (const expectation of report.expectations) {
    expect(expectation.tuple).toMatchObject({ source, destination, sourcePort: 0 });
    expect(expectation.master).toEqual(master);
  }
  if (daemon !== undefined) {
    expect(report.decisions).toMatchObject(
      report.expectations.map(({ tuple }) => ({
        client: clientAddress,
        clientPort: master.sourcePort,
        server: serverAddress,
        serverPort: master.destinationPort,
        announcement: ANNOUNCEMENT_OF[mode],
        address: destination,
        port: tuple.destinationPort,
        decision: 'expected',
      })),
    );
  }
  return report;
}

/** Who connects to where: an expectation leaves the source port open, and a client may use a port twice. */
const endpointsOf = (tuples: readonly TextTuple[]): Set<string> =>
  new Set(
    tuples.map(({ source, destination, destinationPort }) => `${source} > ${destination} ${destinationPort}`),
  );

/** What `completed` transferred is what it should be. */
function expectSameFile(one: string, other: string, completed: Completed): void {
  // Not `toEqual`: nobody wants to read the difference.
  const same = existsSync(one) && readFileSync(one).equals(readFileSync(other));
  expect(same, `${one} is the same as ${other}\n${describeEnding(completed)}`).toBe(true);
}

/** Some clients leave an empty file behind. */
const arrived = (path: string): boolean => existsSync(path) && readFileSync(path).length > 0;
