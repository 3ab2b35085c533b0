/**
 * What an experiment wants of an FTP client, whichever program it is: command lines for the transfers of one
 * session, in a given mode.
 *
 * @module
 */
import type { Command, Completed } from '../command.js';
import type { Family } from '../family.js';
import type { Namespace } from '../namespace.js';
import { withOwnFiles } from '../own-files.js';
import type { FtpServer } from '../servers/server.js';

/** How data connections come about: the command that asks for them. */
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
  /** Give up on a connection that does not come about, or does not move, for so many seconds. */
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
  /** What it can be told to use, in each family. */
  readonly modes: Readonly<Record<Family, readonly Mode[]>>;
  invoke(session: Session, work: Work): Invocation;
  /** Whether it failed by a fault of its own that comes and goes, whatever stands between it and the server. */
  readonly failedByItself?: (completed: Completed) => boolean;
}

const ATTEMPTS = 3;

/** Does `attempt` again where it failed by its client's own fault. */
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
 * Runs the session to its end, or for twice the session's patience: ncftp tries again and again. Whether it
 * succeeded is for the caller to see in the files.
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

/** As `performOnce`, and again where that failed by the client's own fault. */
export const perform = async (...session: Parameters<typeof performOnce>): Promise<Completed> =>
  spared(
    session[1],
    () => performOnce(...session),
    (completed) => completed,
  );
