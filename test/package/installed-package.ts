/**
 * The package as users get it: packed, installed into an empty project, its examples compiled against its declarations.
 * Nothing is fetched from a registry: the packages it depends on are packed from this project's `node_modules`, at the
 * places of this project's lock file.
 *
 * @module
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runChecked, type Command } from '../lab/command.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NAME = 'conntrack-ftp';
/** What a user adds to compile the examples. */
const TYPES_OF_NODE = ['node_modules/@types/node', 'node_modules/undici-types'];
const INSTALL_DEADLINE_MS = 120_000;

/** What `npm pack --json` says of a tarball. */
export interface PackedFiles {
  readonly filename: string;
  /** Bytes. */
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

type LockedPackage = Readonly<Record<string, unknown>> & { readonly dev?: boolean };
type LockedPackages = Readonly<Record<string, LockedPackage>>;

/** An empty project in which the package is installed. */
export class InstalledPackage {
  readonly folder: string;
  readonly packed: PackedFiles;

  private constructor(folder: string, packed: PackedFiles) {
    this.folder = folder;
    this.packed = packed;
  }

  /** Packs and installs; `dist` must be built. Throws if npm fails. */
  static async install(): Promise<InstalledPackage> {
    const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-ftp-package-'));
    const installed = readLock();
    const [packed, ...others] = await pack(['.', ...Object.keys(installed)], folder);
    if (packed === undefined) throw new Error('npm packed nothing');
    writeProject(folder, packed, installed, others);
    await npm(['install', '--offline', '--ignore-scripts'], folder);
    return new InstalledPackage(folder, packed);
  }

  /** A command of the package, by the name under which npm installed it. */
  command(...parameters: readonly string[]): Command {
    return [path.join(this.folder, 'node_modules/.bin', NAME), ...parameters];
  }

  /** An example that `compileExamples` has compiled. */
  example(name: string, ...parameters: readonly string[]): Command {
    return [process.execPath, path.join(this.folder, 'compiled', `${name}.js`), ...parameters];
  }

  /**
   * Compiles the package's examples, and `others` by their names, as a user's own files. Throws with the compiler's words if
   * a type is wrong.
   */
  async compileExamples(others: Readonly<Record<string, string>> = {}): Promise<void> {
    cpSync(this.#inside('examples'), path.join(this.folder, 'examples'), { recursive: true });
    for (const [name, text] of Object.entries(others)) {
      writeFileSync(path.join(this.folder, 'examples', name), text);
    }
    const options = {
      strict: true,
      module: 'NodeNext',
      target: 'ES2022',
      skipLibCheck: false,
      rootDir: 'examples',
      outDir: 'compiled',
    };
    write(this.folder, 'tsconfig.json', { compilerOptions: options, include: ['examples'] });
    await runChecked([path.join(ROOT, 'node_modules/.bin/tsc'), '-p', '.'], {
      cwd: this.folder,
      deadlineMs: INSTALL_DEADLINE_MS,
    });
  }

  /** Puts this project's addon to where the user's build would: the package holds only its sources. */
  addAddon(): void {
    cpSync(path.join(ROOT, 'build/Release'), this.#inside('build/Release'), { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #inside(name: string): string {
    return path.join(this.folder, 'node_modules', NAME, name);
  }
}

/** What the lock file has for users of the package, and to compile against it, by path. */
function readLock(): LockedPackages {
  const { packages } = readJson('package-lock.json') as { packages: LockedPackages };
  return Object.fromEntries(
    Object.entries(packages).filter(
      ([at, { dev }]) => at !== '' && (dev !== true || TYPES_OF_NODE.includes(at)),
    ),
  );
}

/** Packs folders of this project into `folder`; one tarball for each, in order. */
async function pack(folders: readonly string[], folder: string): Promise<readonly PackedFiles[]> {
  const specs = folders.map((name) => `./${name}`);
  const output = await npm(
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, ...specs],
    ROOT,
  );
  return JSON.parse(output) as PackedFiles[];
}

/** A project that depends on the tarball, with a lock file that has every package come from a tarball. */
function writeProject(
  folder: string,
  packed: PackedFiles,
  installed: LockedPackages,
  tarballs: readonly PackedFiles[],
): void {
  const { version, dependencies, bin } = readJson('package.json') as Record<string, unknown>;
  const project = {
    name: 'empty',
    private: true,
    type: 'module',
    dependencies: { [NAME]: `file:${packed.filename}` },
    devDependencies: { '@types/node': '*' },
  };
  const locked = Object.entries(installed).map(([at, { integrity: _, ...entry }], index) => [
    at,
    { ...entry, resolved: `file:${tarballs[index]?.filename ?? ''}` },
  ]);
  mkdirSync(folder, { recursive: true });
  write(folder, 'package.json', project);
  write(folder, 'package-lock.json', {
    name: project.name,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': project,
      [`node_modules/${NAME}`]: { version, resolved: `file:${packed.filename}`, dependencies, bin },
      ...(Object.fromEntries(locked) as LockedPackages),
    },
  });
}

/** Runs npm in `cwd` and returns what it printed. */
const npm = async (parameters: readonly string[], cwd: string): Promise<string> =>
  runChecked(['npm', ...parameters], { cwd, deadlineMs: INSTALL_DEADLINE_MS });

const readJson = (name: string): unknown => JSON.parse(readFileSync(path.join(ROOT, name), 'utf8'));

function write(folder: string, name: string, value: unknown): void {
  writeFileSync(path.join(folder, name), JSON.stringify(value, undefined, 2));
}
