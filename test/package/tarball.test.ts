/** The packed tarball in an empty project: what is in it, what it exports, and that the example runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runChecked, type Command } from '../lab/command.js';
import { InstalledPackage } from './installed-package.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SESSIONS = path.join(ROOT, 'test/fixtures/sessions');
const INSTALL_DEADLINE_MS = 240_000;
const MAX_UNPACKED_BYTES = 1_600_000;
const MAX_EXAMPLE_LINES = 60;

const page = readFileSync(path.join(ROOT, 'docs/library.md'), 'utf8');
/** The port to connection tracking that the page shows: the block that imports and exports. */
const [, documentedPort = ''] = /```ts\n(import [^`]*export const conntrack[^`]*)```/.exec(page) ?? [];

const script = (text: string): Command => [process.execPath, '--input-type=module', '-e', text];

/** The names in the first column of the table below `heading`. */
function documentedNames(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  );
}

describe('the packed tarball', () => {
  let installed: InstalledPackage;

  beforeAll(async () => {
    installed = await InstalledPackage.install();
    await installed.compileExamples({ 'conntrack-port.ts': documentedPort });
  }, INSTALL_DEADLINE_MS);
  afterAll(() => {
    installed.remove();
  });

  const inside = async (command: Command): Promise<string> => runChecked(command, { cwd: installed.folder });

  it('is small and holds no source maps, tests or scripts', () => {
    const names = installed.packed.files.map((file) => file.path);
    expect(names).toEqual(
      expect.arrayContaining(['dist/lib/index.js', 'dist/lib/index.d.ts', 'SECURITY.md', 'LICENSE']),
    );
    expect(names.filter((name) => /\.map$|^test\/|^scripts\/|^src\//.test(name))).toEqual([]);
    expect(installed.packed.unpackedSize).toBeLessThanOrEqual(MAX_UNPACKED_BYTES);
  });

  it('satisfies npm', async () => {
    await expect(inside(['npm', 'ls', '--all'])).resolves.toContain('conntrack-ftp@');
  });

  it('exports the names that docs/library.md lists', async () => {
    const names = await inside(
      script(`console.log(JSON.stringify(Object.keys(await import('conntrack-ftp'))))`),
    );
    expect(JSON.parse(names)).toEqual([...documentedNames('What the package exports')].sort());
  });

  it('has errors that bear the names of their classes', async () => {
    const names = await inside(
      script(
        `for (const [name, value] of Object.entries(await import('conntrack-ftp')))
           if (value.prototype instanceof Error) console.log(name === value.name);`,
      ),
    );
    expect(names).toMatch(/^(true\n){7}$/);
  });

  it('keeps internal modules to itself', async () => {
    const ending = await run(script(`await import('conntrack-ftp/dist/cli/main.js')`), {
      cwd: installed.folder,
    });
    expect(ending.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('has the command', async () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    await expect(inside(installed.command('--version'))).resolves.toBe(`${version}\n`);
  });

  it.each([
    'pure-ftpd-lftp-pasv-ipv4',
    'proftpd-ncftp-port-ipv4',
    'pyftpdlib-tnftp-epsv-ipv6',
    'vsftpd-curl-eprt-ipv6',
  ])('decides over %s by its example as by its command', async (session) => {
    const capture = path.join(SESSIONS, `${session}.pcap`);
    const decisions = await inside(installed.example('decide', capture));
    expect(decisions).toContain('"decision":"expected"');
    expect(decisions).toBe(await inside(installed.command('replay', '--json', capture)));
  });

  it('compiles the port to connection tracking that docs/library.md shows', async () => {
    expect(documentedPort).toContain("from 'conntrack-ftp'");
    const ending = await run(installed.example('conntrack-port'));
    expect(ending.stderr).toContain('MissingError: the native addon');
  });

  it('names the remedy if the addon is not built', async () => {
    const ending = await run(installed.example('count-packets', '7'));
    expect(ending).toMatchObject({ status: 1, stdout: '' });
    expect(ending.stderr).toMatch(/^the native addon for this machine is missing\n.+\n$/);
  });

  it.each(['decide', 'count-packets'])('quotes examples/%s.ts in docs/library.md as it is', (name) => {
    const example = readFileSync(path.join(ROOT, 'examples', `${name}.ts`), 'utf8');
    expect(page).toContain(`\`\`\`ts\n${example}\`\`\``);
    expect(example.split('\n').length).toBeLessThanOrEqual(MAX_EXAMPLE_LINES);
  });
});
