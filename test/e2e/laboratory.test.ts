/**
 * Tests the lab itself, with the kernel's own helper in place of the daemon: transfers succeed with the helper and fail
 * without it. If this fails, no other result of the lab means anything.
 *
 * @module
 */
import { beforeAll, describe, it } from 'vitest';
import { attachKernelHelper, KERNEL_HELPER } from '../lab/kernel-helper.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { PLACEMENTS } from '../lab/topology.js';
import { ROWS } from './rows.js';
import { openScene, type Scene } from './scene.js';
import { expectBlocked, expectAllPass } from './transfers.js';

for (const placement of PLACEMENTS) {
  describe(`nf_conntrack_ftp, firewall on the ${placement}`, () => {
    let scene: Scene;
    beforeAll(async () => {
      scene = await openScene({ placement, program: vsftpd, helper: KERNEL_HELPER });
      return () => scene.laboratory.close();
    });

    it('blocks every data connection before the helper is attached', () => expectBlocked(scene, ROWS));

    describe('after it is attached', () => {
      beforeAll(() => attachKernelHelper(scene.topology.firewall, [scene.server.settings.port]));

      for (const row of ROWS) it(`passes ${row.label}`, () => expectAllPass(scene, row, undefined));
    });
  });
}
