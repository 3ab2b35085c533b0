/**
 * Builds from the sources: npm packages, the addon, the compiled commands.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeIfChanged } from './stamp.mjs';
import { PROJECT, quietly } from './step.mjs';

/** @typedef {{ version?: string, optional?: boolean, link?: boolean }} LockedPackage */

/**
 * `npm ci`, unless `node_modules` is what the lock file says.
 *
 * @returns {string}
 */
export function installModules() {
  if (modulesMatchLock()) return 'up to date';
  quietly(['npm', 'ci', '--loglevel', 'error']);
  return 'installed';
}

/** Builds the addon with cmake-js, the reference build. */
export const buildAddon = () =>
  makeIfChanged('addon', {
    inputs: ['native', 'CMakeLists.txt', 'package-lock.json'],
    product: 'build/Release',
    make: () => quietly(['npm', 'run', '--silent', 'build:native']),
  });

/** Checks the types of `src` and bundles it into `dist`. */
export const buildCommands = () =>
  makeIfChanged('commands', {
    inputs: [
      'src',
      'scripts/bundle.mjs',
      'scripts/declarations.mjs',
      'tsconfig.json',
      'tsconfig.build.json',
      'tsconfig.types.json',
      'package-lock.json',
    ],
    product: 'dist/cli/main.js',
    make: () => quietly(['npm', 'run', '--silent', 'build:ts']),
  });

/** npm records what it installed in a lock file of the same format. */
function modulesMatchLock() {
  const wanted = lockedPackages('package-lock.json');
  const present = lockedPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional === true || present[path]?.version === version,
  );
}

/**
 * @param {string} path of a lock file
 * @returns {Record<string, LockedPackage>} empty where there is none
 */
function lockedPackages(path) {
  const file = join(PROJECT, path);
  if (!existsSync(file)) return {};
  /** @type {unknown} */
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  return /** @type {{ packages?: Record<string, LockedPackage> }} */ (lock).packages ?? {};
}
