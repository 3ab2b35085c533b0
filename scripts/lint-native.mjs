/**
 * `npm run lint:native`: clang-format and clang-tidy over the addon's sources, as its build saw them. What passed
 * once is not looked at again until it changes.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Stamp } from './setup/stamp.mjs';
import { PROJECT } from './setup/step.mjs';

/** Where the build says how each file is compiled. */
const BUILD = 'build';

const sources = readdirSync(join(PROJECT, 'native')).map((name) => join('native', name));

/** @returns {boolean} */
function isFormatted() {
  const { status } = spawnSync('clang-format', ['--dry-run', '--Werror', ...sources], {
    cwd: PROJECT,
    stdio: 'inherit',
  });
  return status === 0;
}

/** Headers are looked at where they are included. */
async function isTidy() {
  const units = sources.filter((name) => name.endsWith('.cc'));
  const shares = Array.from({ length: availableParallelism() }, (_, share) =>
    units.filter((_unit, at) => at % availableParallelism() === share),
  );
  const outcomes = await Promise.all(shares.map(async (share) => share.length === 0 || tidy(share)));
  return outcomes.every(Boolean);
}

/**
 * @param {readonly string[]} units
 * @returns {Promise<boolean>}
 */
function tidy(units) {
  return new Promise((resolve, reject) => {
    const said = /** @type {Buffer[]} */ ([]);
    const child = spawn('clang-tidy', ['--quiet', '-p', BUILD, ...units], { cwd: PROJECT });
    const keep = (/** @type {Buffer} */ chunk) => said.push(chunk);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (status) => {
      // Otherwise it only counts what it found in the system's headers and kept to itself.
      if (status !== 0) process.stderr.write(Buffer.concat(said));
      resolve(status === 0);
    });
  });
}

const inputs = ['native', '.clang-format', '.clang-tidy', 'CMakeLists.txt', 'package-lock.json'];
const stamp = new Stamp('lint-native', inputs);
if (!stamp.isCurrent()) {
  const passes = isFormatted() && (await isTidy());
  if (passes) stamp.keep();
  process.exitCode = passes ? 0 : 1;
}
