/**
 * A server behind the 1:1 NAT of a cloud. Its own host filters and runs the daemon. The router in front maps the public
 * address to the private one on all ports, and does not look into FTP.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { sessionWith, spared, type Mode } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules, type DecisionRecord } from '../lab/daemon.js';
import { restoreRules } from '../lab/firewall.js';
import { SMALL_FILES } from '../lab/ftp-root.js';
import type { Laboratory } from '../lab/laboratory.js';
import { withOwnFiles } from '../lab/own-files.js';
import { pureFtpdWith } from '../lab/servers/pure-ftpd.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { buildTopology, HOST_INTERFACE, type Topology } from '../lab/topology.js';
import { openScene, type Scene } from './scene.js';

const PRIVATE = '10.2.0.2';
const PUBLIC = '198.51.100.17';
const IMPATIENT_SECONDS = 3;

async function buildCloud(laboratory: Laboratory): Promise<Topology> {
  const { firewall: router, client, server } = await buildTopology(laboratory, 'gateway');
  const translation = [
    `-4 -A PREROUTING -d ${PUBLIC} -j DNAT --to-destination ${PRIVATE}`,
    `-4 -A POSTROUTING -s ${PRIVATE} -j SNAT --to-source ${PUBLIC}`,
  ];
  await restoreRules(router, ['*nat', ...translation, 'COMMIT', ''].join('\n'));
  // The world does not know the private network.
  await client.namespace.configure([
    'route del 10.2.0.0/24',
    `route add ${PUBLIC}/32 via 10.1.0.1 dev ${HOST_INTERFACE}`,
  ]);
  return { placement: 'server-host', client, server, firewall: server.namespace };
}

/** Two downloads in one session by a client that connects to where it is told, whether all went well. */
async function passes({ topology, server, laboratory }: Scene, mode: Mode): Promise<boolean> {
  const session = { ...sessionWith(server, 4, mode, IMPATIENT_SECONDS), address: PUBLIC };
  const work = { kind: 'download', names: SMALL_FILES, into: laboratory.makeFolder('downloads') } as const;
  const { command } = curl.invoke(session, work);
  const { status } = await spared(
    curl,
    () => topology.client.namespace.run(withOwnFiles([...command, '--no-ftp-skip-pasv-ip'])),
    (completed) => completed,
  );
  return status === 0;
}

describe.each([
  { what: 'that announces its private address', program: vsftpd },
  { what: 'that announces its public address', program: pureFtpdWith('--forcepassiveip', PUBLIC) },
])('a server $what', ({ program }) => {
  const announced = program === vsftpd ? PRIVATE : PUBLIC;
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ placement: 'server-host', build: buildCloud, program, helper: DEFAULT_ANCHOR });
    await loadDaemonRules(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });

  async function decisionsOf(options: readonly string[], mode: Mode): Promise<[boolean, DecisionRecord[]]> {
    const daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21], options });
    const passed = await passes(scene, mode);
    await daemon.stop();
    return [passed, [...daemon.decisions]];
  }

  it('cannot be used in passive mode as it is', async () => {
    const [passed, [decision]] = await decisionsOf([], 'PASV');
    expect(passed).toBe(false);
    expect(decision).toMatchObject(
      announced === PRIVATE
        ? { address: PRIVATE, decision: 'expected' }
        : { address: PUBLIC, decision: 'refused', reason: 'address-mismatch' },
    );
    expect(decision?.rewrittenAddress).toBeUndefined();
  });

  describe.each([`${PUBLIC}=${PRIVATE}`, PUBLIC])('with --announce-address %s', (option) => {
    const options = ['--announce-address', option];

    it('serves passive transfers, and clients receive the public address', async () => {
      const [passed, decisions] = await decisionsOf(options, 'PASV');
      expect(passed).toBe(true);
      const heard = announced === PRIVATE ? PUBLIC : undefined;
      expect(decisions.map(({ address, rewrittenAddress }) => [address, rewrittenAddress])).toEqual([
        [announced, heard],
        [announced, heard],
      ]);
    });

    it.each<Mode>(['EPSV', 'PORT', 'EPRT'])('serves %s', async (mode) => {
      // PORT and EPRT name the client as the server sees it: no NAT changes it here.
      const [passed, decisions] = await decisionsOf(options, mode);
      expect(passed).toBe(true);
      expect(decisions.map(({ decision, rewrittenPort }) => [decision, rewrittenPort])).toEqual([
        ['expected', undefined],
        ['expected', undefined],
      ]);
    });
  });
});
