/**
 * Records the kernel's side of the conversations in test/kernel/exchange-scenarios.ts into test/fixtures/netlink,
 * each in a network namespace of its own. Needs root and the built addon: `npx tsx scripts/record-netlink.ts`.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadBinding } from '../src/kernel/binding.js';
import { NetlinkSocket } from '../src/kernel/netlink-socket.js';
import { MessageReader } from '../src/wire/netlink.js';
import { MULTICAST_GROUPS } from '../src/wire/nfnetlink.js';
import { formatExchanges, RecordingSocket, type Exchange } from '../test/kernel/exchange.js';
import {
  converse,
  FAMILIES,
  provokeEvents,
  SCENARIOS,
  type Family,
  type ScenarioName,
} from '../test/kernel/exchange-scenarios.js';
import { waitFor } from '../test/lab/condition.js';

const FOLDER = fileURLToPath(new URL('../test/fixtures/netlink/', import.meta.url));
const EVENTS = 'events';
const EVENT_BUFFER_BYTES = 1 << 20;
/** Messages that `provokeEvents` makes the kernel send: an expectation created; it and its master ended. */
const EVENT_COUNT = 3;

/** Runs this script again for one conversation, inside a temporary namespace. */
function recordInNamespace(name: string, family: Family): void {
  const script = fileURLToPath(import.meta.url);
  const inside = [process.execPath, '--import', 'tsx', script, name, String(family)];
  execFileSync('unshare', ['--net', ...inside], { stdio: 'inherit' });
}

async function record(name: ScenarioName | typeof EVENTS, family: Family): Promise<void> {
  const exchanges = name === EVENTS ? await recordEvents(family) : recordScenario(name, family);
  const title = `${name} over IPv${family}, Linux ${release()}, ${process.arch}`;
  writeFileSync(`${FOLDER}${name}-ipv${family}.hex`, formatExchanges(title, exchanges));
}

function recordScenario(name: ScenarioName, family: Family): readonly Exchange[] {
  const socket = new RecordingSocket(new (loadBinding().RequestSocket)());
  SCENARIOS[name](converse(new NetlinkSocket(socket)), family);
  return socket.exchanges;
}

async function recordEvents(family: Family): Promise<readonly Exchange[]> {
  const binding = loadBinding();
  const exchanges: Exchange[] = [];
  const { conntrackDestroy, expectationNew, expectationDestroy } = MULTICAST_GROUPS;
  const events = new binding.EventSocket(
    [conntrackDestroy, expectationNew, expectationDestroy],
    EVENT_BUFFER_BYTES,
    (length) => {
      const response = Buffer.from(Buffer.from(events.slab, 0, length));
      exchanges.push({ request: Buffer.alloc(0), response });
    },
    (error) => {
      throw error;
    },
  );
  provokeEvents(converse(NetlinkSocket.open(binding)), family);
  await waitFor('the events', () => countMessages(exchanges) === EVENT_COUNT);
  events.close();
  return exchanges;
}

function countMessages(exchanges: readonly Exchange[]): number {
  let count = 0;
  for (const { response } of exchanges) {
    const message = new MessageReader(response, 0, response.length);
    while (message.next()) count += 1;
  }
  return count;
}

const [name, family] = process.argv.slice(2);
if (name === undefined) {
  mkdirSync(FOLDER, { recursive: true });
  for (const scenario of [...Object.keys(SCENARIOS), EVENTS]) {
    for (const each of FAMILIES) recordInNamespace(scenario, each);
  }
} else {
  await record(name as ScenarioName, family === '6' ? 6 : 4);
}
