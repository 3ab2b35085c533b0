/**
 * Servers × clients × modes × families × places of the firewall. Without the daemon every data connection is blocked; with
 * it every one is accepted as related to its control connection.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { SERVERS } from '../lab/servers/all.js';
import { PLACEMENTS } from '../lab/topology.js';
import { ROWS } from './rows.js';
import { openScene, type Scene } from './scene.js';
import { expectBlocked, expectAllPass } from './transfers.js';

for (const placement of PLACEMENTS) {
  for (const program of SERVERS) {
    describe(`${program.name}, firewall on the ${placement}`, () => {
      let scene: Scene;
      beforeAll(async () => {
        scene = await openScene({ placement, program });
        await loadDaemonRules(scene.topology.firewall, [scene.server.settings.port]);
        return () => scene.laboratory.close();
      });

      it('blocks every data connection without the daemon', () => expectBlocked(scene, ROWS));

      describe('with the daemon', () => {
        let daemon: Daemon;
        beforeAll(async () => {
          const ports = [scene.server.settings.port];
          daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports });
        });

        for (const row of ROWS) it(`passes ${row.label}`, () => expectAllPass(scene, row, daemon));

        it('refused nothing, and ends cleanly', async () => {
          await daemon.stop();
          expect(daemon.decisions.filter(({ decision }) => decision !== 'expected')).toEqual([]);
        });
      });
    });
  }
}
