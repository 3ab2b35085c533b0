/**
 * FTP servers for the tests. Their Debian packages conflict with each other, so each is unpacked into its own
 * folder; only the libraries that they need are installed.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, updateLists } from './packages.mjs';
import { PROJECT, quietly } from './step.mjs';

const FOLDER = join(PROJECT, '.cache/peers');

export const DEMO_PEERS = ['vsftpd'];
export const TEST_PEERS = ['vsftpd', 'pure-ftpd', 'proftpd-core'];

/**
 * Unpacks those of the packages `names` that are not there yet, and answers what was done.
 *
 * @param {readonly string[]} names
 * @returns {string}
 */
export function unpackPeers(names) {
  const missing = names.filter((name) => !existsSync(join(FOLDER, name)));
  for (const name of missing) unpackPeer(name);
  return missing.length === 0 ? 'all present' : `unpacked ${missing.join(' ')}`;
}

/** @param {string} name */
function unpackPeer(name) {
  const unfinished = join(FOLDER, `${name}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const archive = download(name, unfinished);
  installPackages(librariesOf(archive));
  quietly(['dpkg-deb', '--extract', archive, unfinished]);
  rmSync(archive);
  renameSync(unfinished, join(FOLDER, name));
}

/**
 * @param {string} name of a package
 * @param {string} folder an empty one
 * @returns {string} the path of the archive
 */
function download(name, folder) {
  // apt's unprivileged user cannot write into this folder, and prints a long warning.
  const command = ['apt-get', 'download', '-o', 'APT::Sandbox::User=root', name];
  try {
    quietly(command, { cwd: folder });
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    updateLists();
    quietly(command, { cwd: folder });
  }
  return join(folder, readdirSync(folder)[0] ?? '');
}

/**
 * @param {string} archive
 * @returns {string[]} the libraries that the package depends on, without versions and alternatives
 */
function librariesOf(archive) {
  const depends = quietly(['dpkg-deb', '--field', archive, 'Depends']);
  return depends
    .split(',')
    .map((clause) => clause.trim().split(/[\s(|:]/)[0] ?? '')
    .filter((name) => name.startsWith('lib') || name === 'zlib1g');
}
