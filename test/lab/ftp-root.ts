/**
 * The folder that a server serves: two small files to download, a folder to upload into.
 *
 * @module
 */
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Files that every server offers; more than one segment each. */
export const SMALL_FILES = ['first.bin', 'second.bin'] as const;
/** Every user may write here. */
export const UPLOAD_FOLDER = 'incoming';
export const SMALL_FILE_BYTES = 5_000;

const BLOCK_BYTES = 64 * 1024;

/** Creates `folder` with all served files, readable for everyone regardless of our umask. */
export function makeFtpRoot(folder: string): void {
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  for (const [at, name] of SMALL_FILES.entries()) {
    writeFileSync(join(folder, name), patternBlock(SMALL_FILE_BYTES, at));
    chmodSync(join(folder, name), 0o644);
  }
  mkdirSync(join(folder, UPLOAD_FOLDER));
  chmodSync(join(folder, UPLOAD_FOLDER), 0o777);
}

/** Writes a file of `bytes` whose every 64 KiB block differs from the others. */
export function writePatternFile(path: string, bytes: number): void {
  const file = openSync(path, 'wx');
  fchmodSync(file, 0o644);
  const block = patternBlock(BLOCK_BYTES, 0);
  for (let at = 0; at < bytes; at += BLOCK_BYTES) {
    block.writeUInt32BE(at / BLOCK_BYTES, 0);
    writeSync(file, block, 0, Math.min(BLOCK_BYTES, bytes - at));
  }
  closeSync(file);
}

/** Bytes without line structure, so that a transfer in ASCII mode would be noticed. */
function patternBlock(bytes: number, seed: number): Buffer {
  const block = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) block[at] = (at * 31 + (at >>> 8) + seed) & 0xff;
  return block;
}
