/**
 * 200 MB through each server, down and up again: every byte arrives, and the daemon reads none of it.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { perform, sessionWith, type ClientProgram, type Mode } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { lftp } from '../lab/clients/lftp.js';
import { ncftp } from '../lab/clients/ncftp.js';
import { tnftp } from '../lab/clients/tnftp.js';
import { run } from '../lab/command.js';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import type { Family } from '../lab/family.js';
import { UPLOAD_FOLDER, writePatternFile } from '../lab/ftp-root.js';
import { proftpd } from '../lab/servers/proftpd.js';
import { pureFtpd } from '../lab/servers/pure-ftpd.js';
import { pyftpdlib } from '../lab/servers/pyftpdlib.js';
import type { ServerProgram } from '../lab/servers/server.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { openScene, type Scene } from './scene.js';

const LARGE_BYTES = 200_000_000;
const LARGE_NAME = 'large.bin';
/** A session of some ten commands, both directions, with room for retransmissions. */
const PACKETS_OF_SESSIONS = 200;

interface Pair {
  readonly program: ServerProgram;
  readonly client: ClientProgram;
  readonly mode: Mode;
  readonly family: Family;
}

const PAIRS: readonly Pair[] = [
  { program: vsftpd, client: curl, mode: 'PASV', family: 4 },
  { program: pureFtpd, client: lftp, mode: 'EPSV', family: 6 },
  { program: proftpd, client: ncftp, mode: 'PORT', family: 4 },
  { program: pyftpdlib, client: tnftp, mode: 'EPRT', family: 6 },
];

for (const { program, client, mode, family } of PAIRS) {
  describe(`200 MB, ${program.name} and ${client.name}, ${mode} IPv${family}`, () => {
    let scene: Scene;
    let daemon: Daemon;
    beforeAll(async () => {
      scene = await openScene({ placement: 'gateway', program });
      await loadDaemonRules(scene.topology.firewall, [21]);
      daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
      writePatternFile(join(scene.server.root, LARGE_NAME), LARGE_BYTES);
      return () => scene.laboratory.close();
    });

    it('arrives complete', async () => {
      const { server, topology, laboratory } = scene;
      const folder = laboratory.makeFolder('downloads');
      const session = sessionWith(server, family, mode, 60);
      const original = join(server.root, LARGE_NAME);
      const copy = join(folder, LARGE_NAME);
      const uploaded = join(server.root, UPLOAD_FOLDER, LARGE_NAME);

      await perform(topology.client.namespace, client, session, {
        ...{ kind: 'download', names: [LARGE_NAME], into: folder },
      });
      expect(await comparison(original, copy)).toBe('same');

      rmSync(original);
      const to = `${UPLOAD_FOLDER}/${LARGE_NAME}`;
      await perform(topology.client.namespace, client, session, { kind: 'upload', from: copy, to });
      expect(await comparison(copy, uploaded)).toBe('same');
    });

    it('was not read by the daemon', async () => {
      await daemon.stop();
      expect(daemon.counter('packets')).toBeLessThan(PACKETS_OF_SESSIONS);
    });
  });
}

/** Returns `same`, or where the files differ. */
async function comparison(one: string, other: string): Promise<string> {
  const { status, stdout, stderr } = await run(['cmp', one, other]);
  return status === 0 ? 'same' : stdout + stderr;
}
