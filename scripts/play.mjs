/**
 * Installs what is missing, then runs a script that needs namespaces, with the given parameters:
 *
 *     node scripts/play.mjs demo
 *     node scripts/play.mjs soak --minutes 20
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { purposeOf, setUp } from './setup.mjs';
import { privileged } from './setup/privilege.mjs';
import { PROJECT } from './setup/step.mjs';

const [, , name = '', ...given] = process.argv;
setUp(purposeOf(name));
const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
const [program, ...parameters] = privileged([process.execPath, '--import', 'tsx', script, ...given]) ?? [];
process.exitCode = 1;
if (program !== undefined) {
  process.exitCode = spawnSync(program, parameters, { cwd: PROJECT, stdio: 'inherit' }).status ?? 1;
}
