/**
 * Downloads Debian's own kernel package and unpacks it into `.cache/second-kernel`: a bootable image, and modules
 * with all of netfilter. Nothing is installed, and the host's kernel is not touched.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../../lab/command.js';

export interface Kernel {
  /** As `uname -r` says it. */
  readonly version: string;
  /** The path of the image to boot. */
  readonly image: string;
  /** A folder that holds `lib/modules/VERSION`. */
  readonly root: string;
}

const CACHE = fileURLToPath(new URL('../../../.cache/second-kernel', import.meta.url));
/** Depends on the current kernel of the installed Debian release. */
const META_PACKAGE = 'linux-image-amd64';
/** 70 MB from a mirror. */
const DOWNLOAD_DEADLINE_MS = 300_000;
/** 400 MB, most of it drivers. */
const UNPACK_DEADLINE_MS = 120_000;

/** Returns the kernel; downloads it if necessary. */
export async function unpackedKernel(): Promise<Kernel> {
  const name = await currentPackage();
  const root = join(CACHE, name);
  if (!existsSync(root)) await unpack(name, root);
  const version = versionOf(name);
  return { version, image: join(root, 'boot', `vmlinuz-${version}`), root };
}

const versionOf = (name: string): string => name.replace('linux-image-', '');

/** The package that the meta package depends on, `linux-image-6.1.0-56-amd64`; without lists, the one that is here. */
async function currentPackage(): Promise<string> {
  const depends = await runChecked(['apt-cache', 'depends', META_PACKAGE]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name !== undefined) return name;
  const cached = existsSync(CACHE)
    ? readdirSync(CACHE).find((entry) => /^linux-image-.*-amd64$/.test(entry))
    : undefined;
  if (cached === undefined) throw new Error(`apt knows no ${META_PACKAGE}: run \`apt-get update\``);
  return cached;
}

/** Unpacks into a folder next to `root` first: an interrupted attempt must not look complete. */
async function unpack(name: string, root: string): Promise<void> {
  const unfinished = `${root}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  // apt's unprivileged user cannot write into our folder.
  await runChecked(['apt-get', 'download', '-o', 'APT::Sandbox::User=root', name], {
    cwd: unfinished,
    deadlineMs: DOWNLOAD_DEADLINE_MS,
  });
  const archive = join(unfinished, readdirSync(unfinished)[0] ?? '');
  await runChecked(['dpkg-deb', '--extract', archive, unfinished], { deadlineMs: UNPACK_DEADLINE_MS });
  rmSync(archive);
  await runChecked(['depmod', '--basedir', unfinished, versionOf(name)]);
  renameSync(unfinished, root);
}
