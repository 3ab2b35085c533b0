/**
 * Downloads from every server by every client through a gateway that lets all pass, on whatever host this runs. Prints a line
 * `SERVER CLIENT MODE passed|failed` for each.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS } from '../../lab/clients/all.js';
import { perform, sessionWith, type Mode } from '../../lab/clients/client.js';
import { filterOf } from '../../lab/firewall.js';
import { SMALL_FILES } from '../../lab/ftp-root.js';
import { SERVERS } from '../../lab/servers/all.js';
import { openScene, type Scene } from '../scene.js';

const OPEN = filterOf(['-A FORWARD -j ACCEPT']);
const MODES_TRIED: readonly Mode[] = ['PASV', 'PORT'];

async function download(scene: Scene, client: (typeof CLIENTS)[number], mode: Mode): Promise<boolean> {
  const { laboratory, topology, server } = scene;
  const [name] = SMALL_FILES;
  const into = laboratory.makeFolder('downloads');
  const work = { kind: 'download', names: [name], into } as const;
  const completed = await perform(topology.client.namespace, client, sessionWith(server, 4, mode), work);
  const copy = join(into, name);
  const whole = existsSync(copy) && readFileSync(copy).equals(readFileSync(join(server.root, name)));
  if (!whole) console.error(completed.command.join(' '), completed.stdout, completed.stderr);
  return whole;
}

for (const program of SERVERS) {
  const scene = await openScene({ placement: 'gateway', program, filter: () => OPEN });
  try {
    for (const client of CLIENTS) {
      for (const mode of MODES_TRIED) {
        const passed = await download(scene, client, mode);
        console.log(`${program.name} ${client.name} ${mode} ${passed ? 'passed' : 'failed'}`);
      }
    }
  } finally {
    await scene.laboratory.close();
  }
}
