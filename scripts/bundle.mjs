/**
 * Bundles the program into `dist`: loading a hundred modules would take as long as the daemon may take to start.
 * Dependencies in `package.json` stay separate modules; the licences of all other bundled packages are added.
 *
 * @module
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROJECT } from './setup/step.mjs';

const OUTPUT = join(PROJECT, 'dist');
const ENTRIES = ['src/cli/main.ts', 'src/daemon/worker-main.ts'];
/** Shared code has the same depth in `dist` as its modules in `src`, so that relative URLs in it stay valid. */
const CHUNKS = 'lib/[name]-[hash]';

/** @type {unknown} */
const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const { dependencies } = /** @type {{ dependencies: Record<string, string> }} */ (manifest);

rmSync(OUTPUT, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: PROJECT,
  entryPoints: ENTRIES,
  outdir: OUTPUT,
  outbase: 'src',
  chunkNames: CHUNKS,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: Object.keys(dependencies),
  sourcemap: true,
  metafile: true,
});
writeFileSync(join(OUTPUT, 'LICENSES'), licences(Object.keys(metafile.inputs)));

/**
 * @param {readonly string[]} inputs paths of bundled modules
 * @returns {string}
 */
function licences(inputs) {
  const packages = inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(packages)]
    .map((name) => `${name}\n\n${readFileSync(join(PROJECT, 'node_modules', name, 'LICENSE'), 'utf8')}`)
    .join('\n');
}
