/** What users install: few packages, no source maps, a small tarball. `npm run build:ts` comes first. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { runChecked } from './lab/command.js';

const PROJECT = path.resolve(import.meta.dirname, '..');
/** Texts of its German and French translations; the bundler escapes non-ASCII characters. */
const TRANSLATED = /Ung(?:ü|\\xFC)ltige Eingabe|Entr(?:é|\\xE9)e invalide/;
/** Only the addon's loader: pino, commander and zod are in the bundle. */
const MAX_PACKAGES = 1;
const MAX_UNPACKED_BYTES = 1_600_000;

const dependencies = z.record(z.string(), z.string()).default({});
const Lock = z.object({ packages: z.record(z.string(), z.object({ dependencies })) });
const Packed = z.tuple([
  z.object({ unpackedSize: z.number(), files: z.array(z.object({ path: z.string() })) }),
]);

/** Folders of all packages that the root package needs at run time, as npm finds them: the nearest one first. */
function installedPackages(): ReadonlySet<string> {
  const lock: unknown = JSON.parse(readFileSync(path.join(PROJECT, 'package-lock.json'), 'utf8'));
  const { packages } = Lock.parse(lock);
  const found = new Set<string>();
  const visit = (folder: string): void => {
    for (const name of Object.keys(packages[folder]?.dependencies ?? {})) {
      const needed = [`${folder}/node_modules/${name}`, `node_modules/${name}`].find((at) => at in packages);
      if (needed === undefined) throw new Error(`${name}, needed by ${folder}, is not in the lock file`);
      if (found.has(needed)) continue;
      found.add(needed);
      visit(needed);
    }
  };
  visit('');
  return found;
}

it(`installs at most ${MAX_PACKAGES} other packages`, () => {
  const installed = installedPackages();
  expect(installed).toContain('node_modules/node-gyp-build');
  expect(installed.size).toBeLessThanOrEqual(MAX_PACKAGES);
});

it(`unpacks to at most ${MAX_UNPACKED_BYTES} bytes, without source maps`, async () => {
  const output = await runChecked(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: PROJECT,
  });
  const [{ unpackedSize, files }] = Packed.parse(JSON.parse(output));
  const paths = files.map((file) => file.path);
  expect(paths).toContain('dist/cli/main.js');
  expect(paths.filter((file) => file.endsWith('.map'))).toEqual([]);
  expect(unpackedSize).toBeLessThanOrEqual(MAX_UNPACKED_BYTES);
});

it('bundles no translation of zod', () => {
  const files = readdirSync(path.join(PROJECT, 'dist'), { recursive: true, encoding: 'utf8' });
  const bundles = files.filter((file) => file.endsWith('.js'));
  expect(bundles).toContain('cli/program.js');
  for (const file of bundles) {
    const text = readFileSync(path.join(PROJECT, 'dist', file), 'utf8');
    expect(text, file).not.toMatch(TRANSLATED);
  }
});
