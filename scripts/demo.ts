/**
 * A client, a gateway that drops what is not established or related, and a server, as network namespaces: a
 * transfer without the daemon, then the same with it, in every mode, with its decisions as they happen.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { perform, sessionWith, type Mode } from '../test/lab/clients/client.js';
import { curl } from '../test/lab/clients/curl.js';
import { flushConnections } from '../test/lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules, type DecisionRecord } from '../test/lab/daemon.js';
import type { Family } from '../test/lab/family.js';
import { filterRules, restoreRules } from '../test/lab/firewall.js';
import { SMALL_FILES } from '../test/lab/ftp-root.js';
import { Laboratory } from '../test/lab/laboratory.js';
import { startServer, type FtpServer } from '../test/lab/servers/server.js';
import { vsftpd } from '../test/lab/servers/vsftpd.js';
import { buildTopology, type Topology } from '../test/lab/topology.js';

const TRANSFERS: readonly { readonly mode: Mode; readonly family: Family }[] = [
  { mode: 'PASV', family: 4 },
  { mode: 'EPSV', family: 4 },
  { mode: 'PORT', family: 4 },
  { mode: 'EPRT', family: 4 },
  { mode: 'EPSV', family: 6 },
  { mode: 'EPRT', family: 6 },
];
/** With these the gateway hides the client behind an address of its own, as most gateways do. */
const TRANSLATION = ['*nat', '-A POSTROUTING -o outside -p tcp -j MASQUERADE', 'COMMIT', ''].join('\n');
/** How long curl waits for a data connection that will not come. */
const BLOCKED_AFTER_SECONDS = 3;

interface Stage {
  readonly laboratory: Laboratory;
  readonly topology: Topology;
  readonly server: FtpServer;
}

const say = (line = ''): void => {
  console.log(line);
};
const heading = (line: string): void => {
  say(`\n\u001b[1m${line}\u001b[0m`);
};
const passed = (yes: boolean): string => (yes ? '\u001b[32mpassed\u001b[0m ' : '\u001b[31mblocked\u001b[0m');

async function openStage(laboratory: Laboratory): Promise<Stage> {
  const topology = await buildTopology(laboratory, 'gateway');
  await restoreRules(topology.firewall, filterRules('gateway', { ports: [21], helper: DEFAULT_ANCHOR }));
  return { laboratory, topology, server: await startServer(laboratory, vsftpd, topology.server) };
}

/** Fetches one file by curl; whether it came whole. */
async function transfer(stage: Stage, mode: Mode, family: Family, patience?: number): Promise<boolean> {
  const { laboratory, topology, server } = stage;
  const [name] = SMALL_FILES;
  const into = laboratory.makeFolder('demo');
  const session = sessionWith(server, family, mode, patience);
  const { status } = await perform(topology.client.namespace, curl, session, {
    kind: 'download',
    names: [name],
    into,
  });
  return status === 0 && readFileSync(join(into, name)).equals(readFileSync(join(server.root, name)));
}

const decisionLine = ({
  announcement,
  client,
  server,
  address,
  port,
  decision,
  reason,
}: DecisionRecord): string =>
  `           decision: ${announcement} between ${client} and ${server} announces ${address ?? '?'} port ${port ?? '?'}: ${decision}${
    reason === undefined ? '' : ` (${reason})`
  }`;

async function show(stage: Stage): Promise<boolean> {
  const { laboratory, topology } = stage;
  const { client, server, firewall } = topology;
  say(`  client   ${client.address[4]}  ${client.address[6]}`);
  say('  gateway  accepts ESTABLISHED, RELATED, and new connections to port 21; drops the rest');
  say(`  server   ${server.address[4]}  ${server.address[6]}  vsftpd`);

  heading('Without the daemon');
  const outcomes: { readonly what: string; readonly without: boolean | undefined; readonly with: boolean }[] =
    [];
  const without = await Promise.all(
    TRANSFERS.map(async ({ mode, family }) => transfer(stage, mode, family, BLOCKED_AFTER_SECONDS)),
  );
  TRANSFERS.forEach(({ mode, family }, at) => {
    say(`  ${passed(without[at] ?? true)} curl ${mode} IPv${family}`);
  });

  heading('With the daemon: conntrack-ftp rules iptables, conntrack-ftp run');
  await flushConnections(firewall);
  await loadDaemonRules(firewall, [21]);
  const daemon = await Daemon.start(laboratory, firewall, { ports: [21] });
  daemon.onDecision((decision) => {
    say(decisionLine(decision));
  });
  for (const [at, { mode, family }] of TRANSFERS.entries()) {
    const what = `curl ${mode} IPv${family}`;
    const done = await transfer(stage, mode, family);
    say(`  ${passed(done)} ${what}`);
    outcomes.push({ what, without: without[at] ?? true, with: done });
  }

  heading('The same, with the client behind the gateway’s address: iptables -t nat … -j MASQUERADE');
  await restoreRules(firewall, TRANSLATION);
  await flushConnections(firewall);
  for (const { mode, family } of TRANSFERS) {
    const what = `${mode} IPv${family}, NAT`;
    const done = await transfer(stage, mode, family);
    say(`  ${passed(done)} curl ${what}`);
    outcomes.push({ what: `curl ${what}`, without: undefined, with: done });
  }
  await daemon.stop();
  say(`  announcements rewritten: ${daemon.counter('rewritten') ?? 0}`);

  heading('In short');
  say(`  ${'transfer'.padEnd(20)} without  with`);
  for (const outcome of outcomes) {
    const without = outcome.without === undefined ? 'not run' : passed(outcome.without);
    say(`  ${outcome.what.padEnd(20)} ${without}  ${passed(outcome.with)}`);
  }
  return outcomes.every((outcome) => outcome.with && outcome.without !== true);
}

const laboratory = new Laboratory();
try {
  heading('Three network namespaces');
  const asPromised = await show(await openStage(laboratory));
  say(asPromised ? '\nAll of it is gone again.' : '\nThis is not what the demo promises.');
  process.exitCode = asPromised ? 0 : 1;
} finally {
  await laboratory.close();
}
