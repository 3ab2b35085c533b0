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

/** The inputs as they are now, against those of the last time that `keep` was called. */
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

  /** Says that what the inputs make has been made, as they were when this stamp was taken. */
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
