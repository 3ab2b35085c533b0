/**
 * The interface of the FTP servers in the lab.
 *
 * @module
 */
import { join } from 'node:path';
import type { Command } from '../command.js';
import { makeFtpRoot } from '../ftp-root.js';
import type { Laboratory } from '../laboratory.js';
import type { Namespace } from '../namespace.js';
import { withOwnFiles } from '../own-files.js';
import type { RunningProcess } from '../running-process.js';
import type { Host } from '../topology.js';

export interface ServerSettings {
  /** Control port. */
  readonly port: number;
  /** First and last port of passive data connections. */
  readonly passivePorts: readonly [first: number, last: number];
}

export const DEFAULT_SETTINGS: ServerSettings = { port: 21, passivePorts: [30_000, 30_999] };

/** Where a server runs and keeps its files. */
export interface ServerSite {
  readonly host: Host;
  readonly settings: ServerSettings;
  /** The folder it serves, see `ftp-root.ts`. */
  readonly root: string;
  /** A folder for its configuration and its log. */
  readonly folder: string;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** A program that serves FTP, with uploads, on both families of a host. */
export interface ServerProgram {
  readonly name: string;
  readonly login: Login;
  /** Active data connections come from port 20 if the control port is 21. */
  readonly activeFromPort20: boolean;
  /** Writes the configuration and returns the command that serves in the foreground. */
  prepare(site: ServerSite): Promise<Command>;
}

export interface FtpServer extends ServerSite {
  readonly program: ServerProgram;
  readonly process: RunningProcess;
}

export const ANONYMOUS: Login = { user: 'anonymous', password: 'lab@example.org' };

/** Starts `program` on `host`; it listens when this resolves, and ends with the test. */
export async function startServer(
  laboratory: Laboratory,
  program: ServerProgram,
  host: Host,
  settings: ServerSettings = DEFAULT_SETTINGS,
): Promise<FtpServer> {
  const folder = laboratory.makeFolder(`${program.name}-${settings.port}`);
  const root = join(folder, 'root');
  makeFtpRoot(root);
  const site: ServerSite = { host, settings, root, folder };
  const running = await laboratory.start(host.namespace, withOwnFiles(await program.prepare(site)));
  await running.waitUntil('listening', () => listensOnBothFamilies(host.namespace, settings.port));
  return { ...site, program, process: running };
}

async function listensOnBothFamilies(namespace: Namespace, port: number): Promise<boolean> {
  const listing = await namespace.runChecked(['ss', '-Hltn', `sport = :${port}`]);
  const addresses: readonly string[] = listing.match(/\S+(?=:\d+ )/g) ?? [];
  const forBoth = addresses.includes('*');
  return (
    forBoth || (addresses.some((one) => one.includes('.')) && addresses.some((one) => one.includes('[')))
  );
}
