/**
 * The part `latency`: how much longer a command takes through a gateway that reads control connections, at low load, when whoever
 * reads sleeps between two packets. Root or a user namespace.
 *
 * @module
 */
import {
  openedBy,
  openedByKernel,
  openedByNobody,
  tellOfKernel,
  whyNotByKernel,
  withFilteredGateway,
  type Open,
} from './filtered-gateway.js';
import { buildPrograms, pathOf, startDaemon, startOneByOne } from './readers.js';
import { shareOf, type Column, type Figures, type Part, type Trial } from './trial.js';

/** What the others are compared with: connections are tracked and filtered, and nobody reads them. */
const UNREAD = 'no queue';
const LOOP = 'C, one by one';
const OURS = 'conntrack-ftp';

/** As fast as they go: by then the daemon's code is compiled as it will stay. */
const WARM_UP_COMMANDS = 4000;
const COMMANDS = 20_000;
/** Long enough for all to fall asleep. */
const PAUSE_MICROSECONDS = 500;
const DEADLINE_MS = 120_000;

/** Measures once how long a command takes until its reply is there, in microseconds. */
export async function measureRoundTrips(open: Open, effort: number): Promise<Figures> {
  const counts = [WARM_UP_COMMANDS, COMMANDS].map((count) => shareOf(count, effort));
  return withFilteredGateway('control connections', open, async ({ client, server }) => {
    const numbers = [...counts, PAUSE_MICROSECONDS].map(String);
    const command = [pathOf('round-trip'), server.address[4], ...numbers] as const;
    const printed = await client.namespace.runChecked(command, { deadlineMs: DEADLINE_MS });
    const [p50 = NaN, p99 = NaN, p999 = NaN] = printed.split(' ').map((text) => Number(text) / 1000);
    return { p50, p99, p999 };
  });
}

async function prepare(): Promise<void> {
  await buildPrograms(['ftp-server', 'round-trip', 'library-reader']);
  tellOfKernel();
}

/** By name, who may stand between a command and its reply: the kernel's module only where there is one. */
export function passages(): Readonly<Record<string, Open>> {
  return {
    [UNREAD]: openedByNobody,
    ...(whyNotByKernel() === undefined ? { 'in-kernel helper': openedByKernel } : {}),
    [LOOP]: openedBy(startOneByOne),
    [OURS]: openedBy(startDaemon),
  };
}

const time = (title: string): Column => ({ title, unit: 'µs', decimals: 1 });

const added = (title: string, column: string): Column => ({
  ...time(`${title} added`),
  compared: true,
  added: { column, over: UNREAD },
});

const trialOf = ([name, open]: readonly [string, Open]): Trial => ({
  name,
  ...(name === OURS ? { against: LOOP } : {}),
  measure: async (effort) => measureRoundTrips(open, effort),
});

export const latency: Part = {
  prepare,
  /** Asked after `prepare`, which says who cannot be there. */
  get comparisons() {
    return [
      {
        name: 'command',
        title: 'A command and its reply through a gateway, one at a time, with a pause before each',
        columns: {
          p50: time('p50'),
          p99: time('p99'),
          p999: time('p99.9'),
          p50Added: added('p50', 'p50'),
          p99Added: added('p99', 'p99'),
          p999Added: added('p99.9', 'p999'),
        },
        trials: Object.entries(passages()).map(trialOf),
        goals: [
          { trial: OURS, column: 'p50Added', over: LOOP, atMost: 2 },
          { trial: OURS, column: 'p99Added', atMost: 1000 },
        ],
      },
    ];
  },
};
