/**
 * Whether something that was made from files is still what these files would make: a digest of them all is
 * kept from the time it was made.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT } from './step.mjs';

/**
 * Runs `make` unless `product` is there and the last `make` saw the same inputs; answers what was done.
 *
 * @param {string} name of the stamp
 * @param {{ inputs: readonly string[], product: string, make: () => void }} recipe paths from the top folder
 * @returns {'built' | 'up to date'}
 */
export function makeIfChanged(name, { inputs, product, make }) {
  const stamp = join(PROJECT, '.cache/stamps', name);
  const digest = digestOf(inputs);
  if (existsSync(join(PROJECT, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) {
    return 'up to date';
  }
  make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
  return 'built';
}

/**
 * @param {readonly string[]} inputs files and folders
 * @returns {string}
 */
function digestOf(inputs) {
  const hash = createHash('sha256').update(process.version);
  for (const file of inputs.flatMap((input) => filesIn(input)).sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(PROJECT, file)));
  }
  return hash.digest('hex');
}

/**
 * @param {string} path a file, or a folder with all that is in it
 * @returns {string[]}
 */
function filesIn(path) {
  const stats = statSync(join(PROJECT, path), { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return [path];
  return readdirSync(join(PROJECT, path)).flatMap((name) => filesIn(join(path, name)));
}
