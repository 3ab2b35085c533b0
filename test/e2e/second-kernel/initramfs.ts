/**
 * The guest's boot archive: busybox, the modules needed to mount the host's files, and `init.sh`, which continues
 * from there.
 *
 * @module
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../../lab/command.js';
import type { Kernel } from './kernel-package.js';

const INIT = fileURLToPath(new URL('init.sh', import.meta.url));
/** Debian's package busybox-static: the guest has no libraries before it mounts the host's files. */
const BUSYBOX = '/bin/busybox';
/** No disk is needed: files come over virtio with the 9P protocol. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

/** Writes the archive to `path`. The guest runs `script` with /bin/sh on the host's files. */
export async function writeInitramfs(path: string, kernel: Kernel, script: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cftp-initramfs-'));
  try {
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'modules'));
    copyFileSync(BUSYBOX, join(folder, 'bin/busybox'));
    copyFileSync(INIT, join(folder, 'init'));
    chmodSync(join(folder, 'init'), 0o755);
    const modules = await modulesInOrder(kernel);
    for (const module of modules) copyFileSync(module, join(folder, 'modules', basename(module)));
    writeFileSync(join(folder, 'modules/order'), modules.map((module) => `${basename(module)}\n`).join(''));
    writeFileSync(join(folder, 'settings'), settings(kernel));
    writeFileSync(join(folder, 'guest.sh'), script);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    await runChecked(['cpio', '--create', '--quiet', '--format=newc', '--file', path], {
      cwd: folder,
      input: names.map((name) => `${name}\n`).join(''),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const settings = ({ root, version }: Kernel): string =>
  `MODULES=${quoted(join(root, 'lib/modules', version))}\nVERSION=${quoted(version)}\n`;

/** Quotes `text` as one shell word. */
export const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\\''`)}'`;

/** The files of `MODULES` and their dependencies, dependencies first. */
async function modulesInOrder({ root, version }: Kernel): Promise<readonly string[]> {
  const options = ['--dirname', root, '--set-version', version, '--show-depends', '--all'];
  const listing = await runChecked(['modprobe', ...options, ...MODULES]);
  const files = [...listing.matchAll(/^insmod (\S.*?)\s*$/gm)].map(([, file = '']) => file);
  return [...new Set(files)];
}
