/**
 * The crash corpus: inputs that once broke a target, kept under `test/fixtures/crashes/TARGET`, and played again by the tests
 * from then on.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CRASHES = join(import.meta.dirname, '../fixtures/crashes');

/** Keeps the input and answers the file's name: what it holds names it, so that it is kept once. */
export function saveCrash(target: string, input: Buffer, folder = CRASHES): string {
  const name = `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
  mkdirSync(join(folder, target), { recursive: true });
  writeFileSync(join(folder, target, name), input);
  return join(folder, target, name);
}

/** The inputs kept for a target, by file name. */
export function savedCrashes(target: string, folder = CRASHES): ReadonlyMap<string, Buffer> {
  const path = join(folder, target);
  const names = existsSync(path) ? readdirSync(path).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
}
