/**
 * Runs the command line as a user does; returns its output and exit code.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function conntrackFtp(parameters: readonly string[], input: string | Uint8Array = ''): Ending {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...parameters], {
    input,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
