/**
 * The part `sessions`: whole FTP sessions through a gateway, as many as go, with several at once: login, transfers of a small file,
 * each by a data connection that has to be let through, and the end. Root or a user namespace.
 *
 * @module
 */
import {
  FILE_BYTES,
  openedBy,
  openedByKernel,
  openedByNobody,
  SESSIONS_AT_ONCE,
  tellOfKernel,
  whyNotByKernel,
  withFilteredGateway,
  type FilteredGateway,
  type Open,
  type Forwarding,
} from './filtered-gateway.js';
import { processorTime } from './resources.js';
import { buildPrograms, pathOf, startBatches, startDaemon } from './readers.js';
import type { Comparison, Figures, Part } from './trial.js';

const KERNEL = 'in-kernel helper';
const OURS = 'conntrack-ftp';

const TRANSFERS = 4;
/** By then the daemon's code is compiled as it will stay. */
const WARM_UP_MS = 1500;
const MEASURED_MS = 4000;
/** Shorter, and there may be none. */
const LEAST_MS = 200;

/** Who connects for the data: the client, to a port of the reply to PASV, or the server, to one of the command PORT. */
export const MODES = ['passive', 'active'] as const;
export type Mode = (typeof MODES)[number];
const COMMANDS: Readonly<Record<Mode, string>> = { passive: 'PASV', active: 'PORT' };

export interface Setting {
  readonly passing: Forwarding;
  readonly open: Open;
}

interface Had {
  readonly sessions: number;
  readonly failed: number;
  readonly nanoseconds: number;
  /** Of the client. */
  readonly processorNanoseconds: number;
}

async function haveSessions(
  { client, clients, server }: FilteredGateway,
  mode: Mode,
  milliseconds: number,
): Promise<Had> {
  const numbers = [SESSIONS_AT_ONCE, TRANSFERS, FILE_BYTES, Math.max(LEAST_MS, milliseconds)];
  const hosts = [server.address[4], clients[0] ?? ''];
  const command = [pathOf('ftp-client'), ...hosts, mode, ...numbers.map(String)] as const;
  const { status, stdout, stderr } = await client.namespace.run(command);
  const [sessions = NaN, failed = NaN, nanoseconds = NaN, processorNanoseconds = NaN] = stdout
    .split(' ')
    .map(Number);
  if (status !== 0 || failed !== 0) throw new Error(`${failed} transfers failed: ${stderr}`);
  return { sessions, failed, nanoseconds, processorNanoseconds };
}

/** Measures once. Throws `Error` where a transfer failed. */
export async function measureSessions(
  { passing, open }: Setting,
  mode: Mode,
  effort: number,
): Promise<Figures> {
  return withFilteredGateway(passing, open, async (gateway) => {
    const { serverPid, reader } = gateway;
    const used = (): readonly [server: number, reader: number] => [
      processorTime(serverPid),
      reader === undefined ? 0 : processorTime(reader.pid),
    ];
    await haveSessions(gateway, mode, WARM_UP_MS * effort);
    const before = used();
    const had = await haveSessions(gateway, mode, MEASURED_MS * effort);
    const after = used();
    const ofServer = after[0] - before[0];
    const ofReader = after[1] - before[1];
    const microsecondsEach = (nanoseconds: number): number => nanoseconds / had.sessions / 1000;
    return {
      rate: (had.sessions * 1e9) / had.nanoseconds,
      failed: had.failed,
      processorTime: microsecondsEach(had.processorNanoseconds + ofServer + ofReader),
      ...(reader === undefined ? {} : { ofReader: microsecondsEach(ofReader) }),
    };
  });
}

async function prepare(): Promise<void> {
  await buildPrograms(['ftp-server', 'ftp-client', 'batches']);
  tellOfKernel();
}

/** By name: the kernel's module only where there is one. */
export function settings(): Readonly<Record<string, Setting>> {
  return {
    'open ports, no helper': { passing: 'all connections', open: openedByNobody },
    ...(whyNotByKernel() === undefined
      ? { [KERNEL]: { passing: 'control connections', open: openedByKernel } }
      : {}),
    // Reads nothing and opens nothing: what is left is what the queue itself costs.
    'open ports, C in batches': { passing: 'all connections', open: openedBy(startBatches) },
    [OURS]: { passing: 'control connections', open: openedBy(startDaemon) },
  };
}

function comparisonOf(mode: Mode, all: Readonly<Record<string, Setting>>): Comparison {
  const what = `${TRANSFERS} transfers of ${FILE_BYTES} bytes, by ${COMMANDS[mode]}`;
  const kernel = KERNEL in all;
  return {
    name: mode,
    title: `Sessions with ${what}, ${SESSIONS_AT_ONCE} at once`,
    columns: {
      rate: { title: 'sessions', unit: '1/s', compared: true },
      failed: { title: 'transfers failed', unit: '' },
      processorTime: { title: 'processor time', unit: 'µs/session', compared: true },
      ofReader: { title: 'of the reader', unit: 'µs/session' },
    },
    trials: Object.entries(all).map(([name, setting]) => ({
      name,
      ...(kernel && name !== KERNEL ? { against: KERNEL } : {}),
      measure: async (effort: number) => measureSessions(setting, mode, effort),
    })),
    goals: kernel ? [{ trial: OURS, column: 'rate', over: KERNEL, atLeast: 0.9 }] : [],
  };
}

export const sessions: Part = {
  prepare,
  /** Asked after `prepare`, which says who cannot be there. */
  get comparisons() {
    const all = settings();
    return MODES.map((mode) => comparisonOf(mode, all));
  },
};
