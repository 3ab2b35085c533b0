/**
 * Tracks whether a build product is up to date: keeps a digest of its input files from the last build.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT } from './step.mjs';

/** Compares the current inputs with those at the last call of `keep`. */
export class Stamp {
  #path;
  #digest;

  /**
   * @param {string} name
   * @param {readonly string[]} inputs files and folders, from the top folder
   */
  constructor(name, inputs) {
    this.#path = join(PROJECT, '.cache/stamps', name);
    this.#digest = digestOf(inputs);
  }

  /** @returns {boolean} */
  isCurrent() {
    return existsSync(this.#path) && readFileSync(this.#path, 'utf8') === this.#digest;
  }

  /** Records that the product was built from the inputs of this stamp. */
  keep() {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, this.#digest);
  }
}

/**
 * Runs `make` unless `product` is there and the last `make` saw the same inputs; answers what was done.
 *
 * @param {string} name of the stamp
 * @param {{ inputs: readonly string[], product: string, make: () => void }} recipe paths from the top folder
 * @returns {'built' | 'up to date'}
 */
export function makeIfChanged(name, { inputs, product, make }) {
  const stamp = new Stamp(name, inputs);
  if (existsSync(join(PROJECT, product)) && stamp.isCurrent()) return 'up to date';
  make();
  stamp.keep();
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
