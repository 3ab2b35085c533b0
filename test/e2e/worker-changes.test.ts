/**
 * Ruleset and daemon go from one number of workers to another while sessions last: from one worker to several, to fewer
 * than a connection's number, and back. Translated sessions, so that none can be left in the wrong place unnoticed.
 *
 * @module
 */
import { beforeAll, expect, it } from 'vitest';
import { conntrackFtp, Daemon } from '../lab/daemon.js';
import { restoreRules } from '../lab/firewall.js';
import { workersByClient } from './connection-workers.js';
import { EACH_MODE, impatientVsftpd, KeepingClients, type Gap } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

const NUMBERS = [1, 4, 2, 1, 3] as const;
const TRANSLATED_ADDRESS = '10.2.0.200';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
  const { firewall } = scene.topology;
  await firewall.configure([`address add ${TRANSLATED_ADDRESS}/24 dev outside`]);
  const rule = `-4 -A POSTROUTING -o outside -j SNAT --to-source ${TRANSLATED_ADDRESS}`;
  await restoreRules(firewall, ['*nat', rule, 'COMMIT', ''].join('\n'));
  return () => scene.laboratory.close();
});

async function startWith(workers: number): Promise<Daemon> {
  const { laboratory, topology } = scene;
  const options = ['--workers', String(workers)];
  await topology.firewall.runChecked(conntrackFtp('rules', 'iptables', '--apply', ...options));
  return Daemon.start(laboratory, topology.firewall, { ports: [21], options });
}

it('sessions survive changes of the number of workers, and are read again after each', async () => {
  const [first, ...others] = NUMBERS;
  let daemon = await startWith(first);
  const clients = await KeepingClients.start(scene, EACH_MODE);
  const gaps: Gap[] = [];
  for (const workers of others) {
    const from = Date.now();
    await daemon.stop();
    daemon = await startWith(workers);
    gaps.push({ from, to: Date.now() });
    await clients.awaitTransfers();
    const readers = [...workersByClient(daemon.decisions).values()];
    expect(readers.map(({ size }) => size)).toEqual(Array(EACH_MODE.length).fill(1));
    for (const [worker = 1] of readers) expect(worker).toBeLessThanOrEqual(workers);
  }
  await clients.stop();
  clients.expectAllBut(gaps);
  await daemon.stop();
  expect(daemon.counter('midStream')).toBe(EACH_MODE.length);
  expect(daemon.counter('defects')).toBe(0);
  await scene.topology.firewall.runChecked(conntrackFtp('rules', 'iptables', '--apply', '--remove'));
  expect(await scene.topology.firewall.runChecked(['iptables-save'])).not.toContain('CONNTRACK_FTP');
});
