/**
 * `npm run demo`: sets up what is missing, then shows FTP through a default-drop gateway.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

if (process.getuid?.() !== 0) {
  console.error('The demo makes network namespaces, for which it must be root: sudo npm run demo');
  process.exit(4);
}
setUp('demo');
const demo = fileURLToPath(new URL('demo.ts', import.meta.url));
const { status } = spawnSync(process.execPath, ['--import', 'tsx', demo], { stdio: 'inherit' });
process.exitCode = status ?? 1;
