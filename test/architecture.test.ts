/** The layers, asserted on the import graph: which layer may import which, and what the pure core must not use. */
import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

/** What each layer may import besides itself and src/errors.ts. */
const LAYERS: Record<string, { readonly layers: readonly string[]; readonly files?: readonly string[] }> = {
  wire: { layers: [] },
  tcp: { layers: ['wire'] },
  ftp: { layers: [], files: ['src/wire/ip-address.ts'] },
  helper: { layers: ['ftp', 'tcp', 'wire'] },
  capture: { layers: ['wire'] },
  kernel: { layers: ['wire'] },
  rules: { layers: ['wire'] },
  daemon: { layers: ['wire', 'tcp', 'ftp', 'helper', 'kernel', 'rules'] },
  cli: { layers: ['wire', 'capture', 'tcp', 'ftp', 'helper', 'kernel', 'rules', 'daemon'] },
};
/** The public API: named re-exports of these layers, and nothing else. */
const PUBLIC_API = 'src/index.ts';
const PUBLIC_LAYERS = ['wire', 'capture', 'ftp', 'helper', 'kernel'];
const PURE = ['wire', 'capture', 'tcp', 'ftp', 'helper', 'rules'];
const EDGES = ['daemon', 'cli'];
/** Development dependencies that `scripts/bundle.mjs` bundles; users do not install them. */
const BUNDLED = ['commander', 'pino', 'zod/mini'];
/** The only Node modules that pure layers may use: they compute with addresses and networks. */
const PURE_BUILTINS = ['node:net'];
/** The layer with the schemas may use the schema library. */
const PURE_PACKAGES: Record<string, readonly string[]> = { rules: ['zod/mini'] };
const MAX_LINES = 400;

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.posix.join('src', name))
  .sort();
const layerOf = (file: string): string => file.split('/')[1] ?? '';

function importsOf(file: string): Import[] {
  const source = ts.preProcessFile(readFileSync(path.join(ROOT, file), 'utf8'), true, true);
  return source.importedFiles.map(({ fileName }) => ({
    from: file,
    to: fileName.startsWith('.') ? path.join(path.dirname(file), fileName).replace(/\.js$/, '.ts') : fileName,
  }));
}

/** Sources of `folder`, tests and scripts as well. */
const sourcesIn = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.startsWith('fixtures'))
    .map((name) => path.posix.join(folder, name));

/** What each of the top folders may import beside itself. */
const TOP_FOLDERS: Record<string, readonly string[]> = {
  src: [],
  test: ['src'],
  scripts: ['src', 'test'],
};

const imports = files.flatMap(importsOf);
const local = imports.filter(({ to }) => to.startsWith('src/'));
const packages = imports.filter(({ to }) => !to.startsWith('src/'));

function allowed({ from, to }: Import): boolean {
  if (to === 'src/errors.ts') return true;
  if (from === PUBLIC_API) return PUBLIC_LAYERS.includes(layerOf(to));
  const layer = layerOf(from);
  if (layerOf(to) === layer) return true;
  const rule = LAYERS[layer];
  return rule !== undefined && (rule.layers.includes(layerOf(to)) || (rule.files ?? []).includes(to));
}

describe('the layers', () => {
  it('has files in every layer', () => {
    const seen = new Set(files.map(layerOf));
    expect([...seen].filter((layer) => !layer.endsWith('.ts')).sort()).toEqual(Object.keys(LAYERS).sort());
  });

  it('imports only downwards', () => {
    expect(local.filter((edge) => !allowed(edge))).toEqual([]);
  });

  it('goes from scripts to test to src, and never back', () => {
    const edges = Object.keys(TOP_FOLDERS).flatMap(sourcesIn).flatMap(importsOf);
    const topOf = (file: string): string => file.split('/')[0] ?? '';
    const inside = edges.filter(({ to }) => topOf(to) in TOP_FOLDERS && to.includes('/'));
    expect(new Set(inside.map(({ from }) => topOf(from)))).toEqual(new Set(Object.keys(TOP_FOLDERS)));
    const up = inside.filter(
      ({ from, to }) => topOf(from) !== topOf(to) && TOP_FOLDERS[topOf(from)]?.includes(topOf(to)) !== true,
    );
    expect(up).toEqual([]);
  });

  it('reaches no file of the command line from the daemon', () => {
    const reached = new Set(files.filter((file) => layerOf(file) === 'daemon'));
    for (const file of reached) {
      for (const { from, to } of local) if (from === file) reached.add(to);
    }
    expect(reached.size).toBeGreaterThan(files.filter((file) => layerOf(file) === 'daemon').length);
    expect([...reached].filter((file) => layerOf(file) === 'cli')).toEqual([]);
  });

  it('has errors.ts as a leaf', () => {
    expect(imports.filter(({ from }) => from === 'src/errors.ts')).toEqual([]);
  });

  it('has a public API that only re-exports, and that no internal file imports', () => {
    const source = ts.createSourceFile(
      PUBLIC_API,
      readFileSync(path.join(ROOT, PUBLIC_API), 'utf8'),
      ts.ScriptTarget.ESNext,
    );
    const reExports = source.statements.filter(
      (statement) =>
        ts.isExportDeclaration(statement) &&
        statement.moduleSpecifier !== undefined &&
        statement.exportClause !== undefined &&
        ts.isNamedExports(statement.exportClause),
    );
    expect(reExports).toHaveLength(source.statements.length);
    expect(imports.filter(({ to }) => to === PUBLIC_API || to === 'conntrack-ftp')).toEqual([]);
  });

  it('reaches the addon only through kernel/binding.ts', () => {
    const doors = packages.filter(
      ({ to }) => to === 'node:module' || to === 'node-gyp-build' || to.endsWith('.node'),
    );
    expect([...new Set(doors.map(({ from }) => from))]).toEqual(['src/kernel/binding.ts']);
  });

  it('keeps input, output and packages out of the pure layers', () => {
    const outside = packages.filter(({ from }) => PURE.includes(layerOf(from)));
    const allowed = (from: string): string[] => [...PURE_BUILTINS, ...(PURE_PACKAGES[layerOf(from)] ?? [])];
    expect(outside.filter(({ from, to }) => !allowed(from).includes(to))).toEqual([]);
  });

  it('uses Node’s own modules by their node: names, and packages that are run-time dependencies or bundled', () => {
    const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const known = [...Object.keys(manifest.dependencies), ...BUNDLED];
    expect(packages.filter(({ to }) => !to.startsWith('node:') && !known.includes(to))).toEqual([]);
    expect(packages.filter(({ to }) => builtinModules.includes(to))).toEqual([]);
  });

  it('has no cycle of imports', () => {
    const graph = new Map(
      files.map((file) => [file, local.filter(({ from }) => from === file).map(({ to }) => to)]),
    );
    expect(files.flatMap((file) => cycleFrom(file, graph))).toEqual([]);
  });
});

describe('the files', () => {
  it.each(files)('%s starts with its contract, uses named exports and is short', (file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    expect(text).toMatch(/^(#!.*\n)?\/\*\*[\s\S]*?@module\n \*\/\n/);
    expect(text).not.toMatch(/^export default/m);
    if (file !== PUBLIC_API) expect(text).not.toMatch(/^export \* from|^export \{[^}]*\} from/m);
    expect(text.split('\n').length).toBeLessThanOrEqual(MAX_LINES);
  });

  it('are not named utils, helpers, common, misc or index', () => {
    const named = files.filter((file) => /\/(utils?|helpers|common|misc|index)\.ts$/.test(file));
    expect(named.filter((file) => file !== PUBLIC_API)).toEqual([]);
  });

  it('use process only in src/daemon and src/cli', () => {
    const users = files.filter((file) => /\bprocess\.(?!binding)/.test(withoutComments(file)));
    expect(users.filter((file) => !EDGES.includes(layerOf(file)))).toEqual([]);
  });

  it('read no clock and start no timer in the core', () => {
    const clocks = /\b(Date\.now|new Date|performance\.|setTimeout|setInterval|setImmediate)\b/;
    expect(
      files.filter((file) => PURE.includes(layerOf(file)) && clocks.test(withoutComments(file))),
    ).toEqual([]);
  });
});

/** Returns a path from `start` back to itself, if there is one. */
function cycleFrom(start: string, graph: ReadonlyMap<string, readonly string[]>): string[] {
  const open: string[][] = [[start]];
  const seen = new Set<string>();
  for (let trail = open.pop(); trail !== undefined; trail = open.pop()) {
    for (const next of graph.get(trail.at(-1) ?? '') ?? []) {
      if (next === start) return [[...trail, next].join(' → ')];
      if (seen.has(next)) continue;
      seen.add(next);
      open.push([...trail, next]);
    }
  }
  return [];
}

function withoutComments(file: string): string {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return ts.transpileModule(text, {
    compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext },
  }).outputText;
}
