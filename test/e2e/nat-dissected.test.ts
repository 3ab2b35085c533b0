/**
 * Rewritten sessions as another dissector reads them on both sides of the gateway: each side receives addresses that it
 * can use, data connections go to the announced endpoints, and TCP has nothing to repair.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeEnding, runChecked } from '../lab/command.js';
import { waitFor } from '../lab/condition.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { dissect, faultyFrames } from '../lab/dissector.js';
import { FAMILIES } from '../lab/family.js';
import type { Namespace } from '../lab/namespace.js';
import { turnOffloadsOff } from '../lab/offloads.js';
import { Recording } from '../lab/recording.js';
import { HOST_INTERFACE, type Host } from '../lab/topology.js';
import { arrivedWhole, session } from './nat-session.js';
import { CASES, openTranslated, translate } from './nat-shapes.js';
import type { Scene } from './scene.js';

/** The address that is announced, as it shall be read on either side. */
const DISSECTED = [
  { label: 'SNAT, longer, PORT, IPv4', atClient: '10.1.0.2', atServer: '10.2.0.200' },
  { label: 'DNAT, PASV, IPv4', atClient: '10.1.0.100', atServer: '10.2.0.2' },
  {
    label: 'SNAT, shorter, EPRT, IPv6',
    atClient: '2001:db8:1:0:1234:5678:9abc:def0',
    atServer: '2001:db8:2::9',
  },
] as const;
const TRANSFERS = 6;

/** Of whichever announcement there is in a frame. */
const ANNOUNCED_ADDRESS = ['ftp.active.cip', 'ftp.passive.ip', 'ftp.eprt.ip', 'ftp.eprt.ipv6'] as const;
const ANNOUNCED_PORT = ['ftp.active.port', 'ftp.passive.port', 'ftp.eprt.port'] as const;

/** What `tcp.checksum.status` is of a wrong checksum. */
const BAD = '0';

/** The captures of one session. */
interface Sides {
  readonly atClient: string;
  readonly atServer: string;
}

/** A segment that a busy machine delays is not retransmitted while it may still arrive. */
async function makePatient(host: Namespace): Promise<void> {
  await host.setParameters({ 'net.ipv4.tcp_early_retrans': '0' });
  for (const family of FAMILIES) {
    const routes = (await host.runChecked(['ip', `-${family}`, 'route', 'show'])).trim().split('\n');
    await host.configure(routes.map((route) => `route change ${route.trim()} rto_min 5s`));
  }
}

/** Waits until both ends of each connection have said in `capture` that they are done, and have said it once. */
async function untilAllEnded(capture: string): Promise<void> {
  const ends = await waitFor(`the ends of all connections in ${capture}`, async () => {
    const fins = await dissect(capture, 'tcp.flags.fin == 1', ['tcp.stream', 'tcp.srcport']);
    return fins.length >= 2 * (1 + TRANSFERS) && fins.map(String);
  });
  expect(new Set(ends).size).toBe(ends.length);
}

/** Address and port of each announcement in `capture`. */
async function announcements(capture: string): Promise<readonly (readonly string[])[]> {
  const rows = await dissect(capture, ANNOUNCED_ADDRESS.join(' || '), [
    ...ANNOUNCED_ADDRESS,
    ...ANNOUNCED_PORT,
  ]);
  return rows.map((row) => row.filter((value) => value !== ''));
}

/** Connections in `capture` that are where an announcement before them said. */
async function announcedConnections(capture: string): Promise<number> {
  const frames = await dissect(capture, 'ftp-data', ['tcp.stream']);
  return new Set(frames.map(String)).size;
}

describe('a rewritten session, dissected', () => {
  let scene: Scene;
  let daemon: Daemon;
  beforeAll(async () => {
    scene = await openTranslated(DEFAULT_ANCHOR);
    const { client, server, firewall } = scene.topology;
    for (const { namespace } of [client, server]) {
      await turnOffloadsOff(namespace, HOST_INTERFACE);
      await makePatient(namespace);
    }
    await loadDaemonRules(firewall, [21]);
    daemon = await Daemon.start(scene.laboratory, firewall, { ports: [21] });
    return () => scene.laboratory.close();
  });

  const startRecording = ({ namespace }: Host): Promise<Recording> =>
    Recording.start(scene.laboratory, { namespace, device: HOST_INTERFACE });

  /** Records the session of the case called `label`. */
  async function record(label: string): Promise<Sides> {
    const row = CASES.find((one) => one.label === label);
    if (row === undefined) throw new Error(`no case is called ${label}`);
    await translate(scene, row.shape);
    const client = await startRecording(scene.topology.client);
    const server = await startRecording(scene.topology.server);
    const into = scene.laboratory.makeFolder('dissected');
    const completed = await session(scene, row, into);
    expect(completed.status, `${describeEnding(completed)}\n${daemon.log}`).toBe(0);
    expect(arrivedWhole(scene, into)).toBe(true);
    for (const recording of [client, server]) {
      await untilAllEnded(recording.path);
      await recording.stop();
    }
    return { atClient: client.path, atServer: server.path };
  }

  it.each(DISSECTED)('$label: nothing to repair, $atServer at the server', async (row) => {
    const { atClient, atServer } = await record(row.label);
    expect(await faultyFrames(atClient)).toEqual([]);
    expect(await faultyFrames(atServer)).toEqual([]);
    const [atOneSide, atOther] = [await announcements(atClient), await announcements(atServer)];
    const ports = atOneSide.map(([, port]) => port);
    expect(ports).toHaveLength(TRANSFERS);
    expect(atOneSide).toEqual(ports.map((port) => [row.atClient, port]));
    expect(atOther).toEqual(ports.map((port) => [row.atServer, port]));
    expect(await announcedConnections(atClient)).toBe(TRANSFERS);
    expect(await announcedConnections(atServer)).toBe(TRANSFERS);
  });

  it('reports a changed byte and a missing segment', async () => {
    const { atServer } = await record('SNAT, longer, PORT, IPv4');
    expect(await faultyFrames(atServer)).toEqual([]);

    const changed = join(scene.laboratory.folder, 'changed.pcap');
    const capture = readFileSync(atServer);
    capture.write('3', capture.indexOf('PORT 10,2,0,200') + 'PORT 10,'.length, 'latin1');
    writeFileSync(changed, capture);
    const [[number = '', checksum] = []] = await faultyFrames(changed);
    expect(checksum).toBe(BAD);

    const shortened = join(scene.laboratory.folder, 'shortened.pcap');
    await runChecked(['editcap', atServer, shortened, number]);
    const remarks = (await faultyFrames(shortened)).map(([, , remark]) => remark);
    expect(remarks.join()).toMatch(/previous segment\(s\) not captured/i);
  });
});
