/**
 * Writes the declarations of the public API into `dist/lib`: those of `src/index.ts`, and of what they refer to. Declarations
 * of internal modules stay out of the package.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { PROJECT } from './setup/step.mjs';

const ENTRY = join(PROJECT, 'dist/lib/index.d.ts');

for (const [file, text] of reachable(emit(), ENTRY)) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/**
 * Throws if the types are wrong.
 *
 * @returns {ReadonlyMap<string, string>} the text of each declaration file of the program, by path
 */
function emit() {
  const configuration = ts.readConfigFile(join(PROJECT, 'tsconfig.types.json'), (path) =>
    readFileSync(path, 'utf8'),
  );
  const { options, fileNames } = ts.parseJsonConfigFileContent(configuration.config, ts.sys, PROJECT);
  /** @type {Map<string, string>} */
  const texts = new Map();
  const program = ts.createProgram(fileNames, options);
  const { diagnostics } = program.emit(undefined, (path, text) => texts.set(path, text));
  const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (faults.length > 0) throw new Error(ts.formatDiagnostics(faults, ts.createCompilerHost(options)));
  return texts;
}

/**
 * @param {ReadonlyMap<string, string>} texts
 * @param {string} entry
 * @returns {ReadonlyMap<string, string>} `entry` and the files that it imports, directly or through others
 */
function reachable(texts, entry) {
  /** @type {Map<string, string>} */
  const found = new Map();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    const text = texts.get(file);
    if (text === undefined) throw new Error(`no declarations were emitted for ${file}`);
    found.set(file, text);
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (fileName.startsWith('.')) open.push(join(dirname(file), fileName.replace(/\.js$/, '.d.ts')));
    }
  }
  return found;
}
