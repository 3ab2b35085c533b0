/**
 * The daemon dies while transfers run: it is killed, stopped and restarted. No control connection is lost. Only transfers
 * announced while no daemon was reading may fail, and the next one of each session succeeds.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { restoreRules } from '../lab/firewall.js';
import { EACH_MODE, impatientVsftpd, KeepingClients, type Gap } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

const ENDS = ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const;

const startDaemon = ({ laboratory, topology }: Scene): Promise<Daemon> =>
  Daemon.start(laboratory, topology.firewall, { ports: [21] });

/** Two digits longer than the client's own address, so that each rewritten PORT shifts what follows. */
const TRANSLATED_ADDRESS = '10.2.0.200';

async function translate({ topology: { firewall } }: Scene): Promise<void> {
  await firewall.configure([`address add ${TRANSLATED_ADDRESS}/24 dev outside`]);
  const rule = `-4 -A POSTROUTING -o outside -j SNAT --to-source ${TRANSLATED_ADDRESS}`;
  await restoreRules(firewall, ['*nat', rule, 'COMMIT', ''].join('\n'));
}

describe.each([
  { sessions: 'routed', prepare: undefined },
  { sessions: 'translated', prepare: translate },
] as const)('the daemon of a gateway, sessions $sessions', ({ prepare }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
    await prepare?.(scene);
    await loadDaemonRules(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });

  it('dies repeatedly', async () => {
    let daemon = await startDaemon(scene);
    const clients = await KeepingClients.start(scene, EACH_MODE);
    const gaps: Gap[] = [];
    for (const signal of ENDS) {
      const from = Date.now();
      expect(await daemon.end(signal)).toMatchObject(signal === 'SIGTERM' ? { status: 0 } : { signal });
      daemon = await startDaemon(scene);
      gaps.push({ from, to: Date.now() });
      await clients.awaitTransfers();
    }
    await clients.stop();
    clients.expectAllBut(gaps);
    await daemon.stop();
    expect(daemon.counter('midStream')).toBe(EACH_MODE.length);
    expect(daemon.counter('rewritten') === 0).toBe(prepare === undefined);
    expect(daemon.counter('defects')).toBe(0);
  });
});
