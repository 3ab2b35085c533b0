/**
 * `npm run demo`: sets up what is missing, then shows FTP through a default-drop gateway.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';
import { privileged } from './setup/privilege.mjs';
import { PROJECT } from './setup/step.mjs';

setUp('demo');
const demo = fileURLToPath(new URL('demo.ts', import.meta.url));
const [program, ...parameters] = privileged([process.execPath, '--import', 'tsx', demo]) ?? [];
process.exitCode = 1;
if (program !== undefined) {
  process.exitCode = spawnSync(program, parameters, { cwd: PROJECT, stdio: 'inherit' }).status ?? 1;
}
