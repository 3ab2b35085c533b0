/**
 * The interface of the FTP clients in the lab: command lines for the transfers of one session, in a given mode.
 *
 * @module
 */
import type { Command, Completed } from '../command.js';
import type { Family } from '../family.js';
import type { Namespace } from '../namespace.js';
import { withOwnFiles } from '../own-files.js';
import type { FtpServer } from '../servers/server.js';

/** The command that opens data connections. */
export const MODES = ['PASV', 'EPSV', 'PORT', 'EPRT'] as const;
export type Mode = (typeof MODES)[number];

/** What a decision record calls the announcement of a mode. */
export const ANNOUNCEMENT_OF = { PASV: '227', EPSV: '229', PORT: 'PORT', EPRT: 'EPRT' } as const;

/** One control connection. Everything that `Work` lists happens in it. */
export interface Session {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly mode: Mode;
  /** Give up on a connection that is not established, or stalls, for this many seconds. */
  readonly patienceSeconds: number;
}

export type Work =
  /** Fetch `names` from the top folder into the local folder `into`. */
  | { readonly kind: 'download'; readonly names: readonly string[]; readonly into: string }
  /** Store the local file `from` as `to`, a path on the server. */
  | { readonly kind: 'upload'; readonly from: string; readonly to: string }
  /** List the top folder on the standard output. */
  | { readonly kind: 'list' };

export interface Invocation {
  readonly command: Command;
  /** Its standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClientProgram {
  readonly name: string;
  /** The modes that it supports, in each family. */
  readonly modes: Readonly<Record<Family, readonly Mode[]>>;
  invoke(session: Session, work: Work): Invocation;
  /** Whether it failed because of an intermittent bug of its own, independent of the network. */
  readonly failedByItself?: (completed: Completed) => boolean;
}

const ATTEMPTS = 3;

/** Repeats `attempt` if it failed because of a bug of the client. */
export async function spared<T>(
  client: ClientProgram,
  attempt: () => Promise<T>,
  completedOf: (result: T) => Completed,
): Promise<T> {
  for (let number = 1; ; number++) {
    const result = await attempt();
    if (number === ATTEMPTS || client.failedByItself?.(completedOf(result)) !== true) return result;
  }
}

export const isPassive = (mode: Mode): boolean => mode === 'PASV' || mode === 'EPSV';

/** A session with `server` in the given mode. */
export const sessionWith = (
  server: FtpServer,
  family: Family,
  mode: Mode,
  patienceSeconds = 15,
): Session => ({
  address: server.host.address[family],
  port: server.settings.port,
  ...server.program.login,
  mode,
  patienceSeconds,
});

/**
 * Runs the session to its end, but at most for twice its timeout, since ncftp retries forever. The caller checks the
 * files for success.
 */
export async function performOnce(
  namespace: Namespace,
  client: ClientProgram,
  session: Session,
  work: Work,
): Promise<Completed> {
  const { command, ...options } = client.invoke(session, work);
  return namespace.run(withOwnFiles(command), { ...options, deadlineMs: 2_000 * session.patienceSeconds });
}

/** Like `performOnce`, repeated if that failed because of a bug of the client. */
export const perform = async (...session: Parameters<typeof performOnce>): Promise<Completed> =>
  spared(
    session[1],
    () => performOnce(...session),
    (completed) => completed,
  );
