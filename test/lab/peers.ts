/**
 * FTP servers that cannot be installed beside each other, because their packages conflict: `scripts/setup.mjs`
 * unpacks them into a folder each.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PEERS_FOLDER = fileURLToPath(new URL('../../.cache/peers', import.meta.url));

/** The path of `file` (no leading slash) of the unpacked Debian package `name`. */
export function peerPath(name: string, file: string): string {
  const path = `${PEERS_FOLDER}/${name}/${file}`;
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`node scripts/setup.mjs\``);
  return path;
}
