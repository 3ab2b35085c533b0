/**
 * Bundles the command into `dist`, with every package that it uses except `node-gyp-build`: reading a hundred modules
 * takes longer than the daemon may take to start. The licences of bundled packages are in `dist/LICENSES`.
 *
 * The bundles are CommonJS, because Node starts them faster: it loads neither its ESM loader nor the WebAssembly parser
 * that reads the exports of CommonJS packages. Identifiers keep their names, so a stack trace can be read. The public API
 * is an ES module of its own.
 *
 * @module
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROJECT } from './setup/step.mjs';

const OUTPUT = join(PROJECT, 'dist');
/** Each lies as deep in `dist` as in `src`: relative URLs stay true. */
const ENTRIES = ['src/cli/main.ts', 'src/cli/program.ts', 'src/daemon/worker-main.ts'];
/** Folders of `ENTRIES`; `package.json` says that the other files of the package are ES modules. */
const COMMONJS_FOLDERS = ['cli', 'daemon'];
/** The public API, an ES module without packages; as deep in `dist` as the modules of `src`. */
const PUBLIC_API = { in: 'src/index.ts', out: 'lib/index' };
/** `import.meta.url` in CommonJS. */
const MODULE_URL = 'moduleUrl';
/** Columns; one line of a megabyte would make stack traces useless. */
const LINE_LIMIT = 160;

/**
 * The first process of the daemon runs `main.js` only, so `program.js` stays a file of its own.
 *
 * @type {import('esbuild').Plugin}
 */
const separateProgram = {
  name: 'separate-program',
  setup(bundler) {
    bundler.onResolve({ filter: /\/program\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/**
 * No message of zod reaches a user: its translations are left out.
 *
 * @type {import('esbuild').Plugin}
 */
const withoutLocales = {
  name: 'without-locales',
  setup(bundler) {
    bundler.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

rmSync(OUTPUT, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: PROJECT,
  entryPoints: ENTRIES,
  outdir: OUTPUT,
  outbase: 'src',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external: ['node-gyp-build'],
  // import() of what is in the bundle, or beside it, needs no ESM loader.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': MODULE_URL },
  banner: { js: `const ${MODULE_URL} = require('node:url').pathToFileURL(__filename).href;` },
  plugins: [separateProgram, withoutLocales],
  // The text of the program stays in memory: without comments and indentation it takes half as much.
  minifyWhitespace: true,
  lineLimit: LINE_LIMIT,
  metafile: true,
});
for (const folder of COMMONJS_FOLDERS) {
  writeFileSync(join(OUTPUT, folder, 'package.json'), '{ "type": "commonjs" }\n');
}
await build({
  absWorkingDir: PROJECT,
  entryPoints: [PUBLIC_API],
  outdir: OUTPUT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['node-gyp-build'],
});
writeFileSync(join(OUTPUT, 'LICENSES'), licences(Object.keys(metafile.inputs)));

/**
 * @param {readonly string[]} inputs paths of bundled modules
 * @returns {string}
 */
function licences(inputs) {
  const packages = inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(packages)].map((name) => `${name}\n\n${licence(name)}`).join('\n');
}

/**
 * @param {string} name of a package
 * @returns {string} the text of its licence
 */
function licence(name) {
  const folder = join(PROJECT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return readFileSync(join(folder, file), 'utf8');
}
