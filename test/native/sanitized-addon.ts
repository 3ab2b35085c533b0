/**
 * Builds the addon with the address and undefined behaviour sanitizers in a separate folder; the current build is
 * not touched.
 *
 * @module
 */
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../lab/command.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD_DEADLINE_MS = 15 * 60_000;
const SOURCES = ['native', 'CMakeLists.txt', 'binding.gyp', 'package.json'];

/** Copies the build inputs into `folder`; file times are kept, so that a second build there is incremental. */
export function copySources(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of SOURCES) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  if (!existsSync(join(folder, 'node_modules'))) {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  }
}

/** The build command, for a folder with the sources. */
export const SANITIZED_BUILD = [
  join(ROOT, 'node_modules/.bin/cmake-js'),
  ...['build', '--parallel=2', '--CDSANITIZE=ON'],
] as const;

/** The environment in which Node loads the addon built in `folder`, with `preload` after the sanitizer. */
export async function sanitizerEnvironment(
  folder: string,
  preload: readonly string[] = [],
): Promise<Record<string, string>> {
  const library = await runChecked(['c++', '-print-file-name=libasan.so']);
  return {
    CONNTRACK_FTP_PREBUILD: folder,
    LD_PRELOAD: [library.trim(), ...preload].join(':'),
    // Node frees little memory at exit; the lifecycle tests measure leaks of the addon.
    ASAN_OPTIONS: 'detect_leaks=0',
  };
}
