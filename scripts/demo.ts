/**
 * FTP through a gateway that drops what is not established or related: blocked without the daemon, passing with
 * it, in every mode and both families, plain and translated, with the daemon's decisions as they happen.
 *
 * @module
 */
import { flushConnections } from '../test/lab/conntrack.js';
import { Daemon, loadDaemonRules, type DecisionRecord } from '../test/lab/daemon.js';
import { Laboratory } from '../test/lab/laboratory.js';
import { lookAtTransfer, type Stage } from '../test/lab/transfer-under-way.js';
import { download, FILTER, openStage, TRANSFERS, translate, TRANSLATION } from './demo/stage.js';
import { heading, outcome, say, styled } from './demo/terminal.js';

/** How long curl waits for a data connection that will not come. */
const BLOCKED_AFTER_SECONDS = 2;

type Outcomes = Readonly<Record<string, boolean>>;

function introduce({ topology: { client, server } }: Stage): void {
  heading('A client, a gateway and a server, as network namespaces');
  say(`  client   ${client.address[4]}  ${client.address[6]}`);
  say(`  server   ${server.address[4]}  ${server.address[6]}  vsftpd`);
  say('  gateway  its filter, the same for IPv4 and IPv6:');
  const shown = FILTER.split('\n').filter((line) => line.includes('FORWARD'));
  for (const line of shown) say(styled('dim', `             ${line}`));
}

/** All at once: each has to wait for a data connection that does not come. */
async function playWithout(stage: Stage, published: boolean): Promise<Outcomes> {
  const outcomes = await Promise.all(
    TRANSFERS.map((transfer) => download(stage, transfer, { patience: BLOCKED_AFTER_SECONDS, published })),
  );
  return Object.fromEntries(
    TRANSFERS.map(({ label }, at) => {
      const arrived = outcomes[at] ?? false;
      say(`  ${label.padEnd(10)} ${outcome(arrived)}`);
      return [label, arrived];
    }),
  );
}

async function playWith(stage: Stage, published: boolean): Promise<Outcomes> {
  const outcomes: Record<string, boolean> = {};
  for (const transfer of TRANSFERS) {
    const arrived = await download(stage, transfer, { published });
    say(`  ${transfer.label.padEnd(10)} ${outcome(arrived)}`);
    outcomes[transfer.label] = arrived;
  }
  return outcomes;
}

/** The same transfers, for a client behind MASQUERADE of a server behind DNAT. */
async function playTranslated(
  stage: Stage,
  act: (stage: Stage, published: boolean) => Promise<Outcomes>,
): Promise<Outcomes> {
  for (const rule of TRANSLATION) say(styled('dim', `             ${rule}`));
  await translate(stage, TRANSLATION);
  const outcomes = await act(stage, true);
  await translate(stage, []);
  return outcomes;
}

async function startDaemon({ laboratory, topology: { firewall } }: Stage): Promise<Daemon> {
  heading('The same with the daemon');
  say(
    styled('dim', '  $ conntrack-ftp rules iptables | iptables-restore --noflush   (and ip6tables-restore)'),
  );
  say(styled('dim', '  $ conntrack-ftp run'));
  await loadDaemonRules(firewall, [21]);
  const daemon = await Daemon.start(laboratory, firewall, { ports: [21] });
  daemon.onDecision((decision) => {
    say(styled('dim', `             ${describeDecision(decision)}`));
  });
  return daemon;
}

function describeDecision(record: DecisionRecord): string {
  const { announcement, address, port, decision, reason, rewrittenAddress } = record;
  const announced = `${announcement} announces ${address ?? 'no address'} port ${port ?? 'none'}`;
  const told = rewrittenAddress === undefined ? '' : `, rewritten to ${rewrittenAddress}`;
  return `${announced}: ${decision}${reason === undefined ? '' : ` (${reason})`}${told}`;
}

async function showKernelTable(stage: Stage): Promise<void> {
  heading('A transfer under way, as conntrack-tools show it');
  await flushConnections(stage.topology.firewall);
  const { expectation, dataLine, controlLine } = await lookAtTransfer(stage, 4, 'PASV');
  say(`  ${styled('dim', 'conntrack -E expect')}\n    ${expectation.line}`);
  say(`  ${styled('dim', 'conntrack -L')}\n    ${controlLine}\n    ${dataLine}`);
}

interface Acts {
  readonly without: Outcomes;
  readonly withDaemon: Outcomes;
  readonly translatedWithout: Outcomes;
  readonly translatedWithDaemon: Outcomes;
}

/** Answers whether it went as the demo promises. */
function summarise({ without, withDaemon, translatedWithout, translatedWithDaemon }: Acts): boolean {
  heading('In short');
  say(`  ${'curl'.padEnd(12)}without  with the daemon   translated: without  with the daemon`);
  for (const { label } of TRANSFERS) {
    const columns: [Outcomes, number][] = [
      [without, 9],
      [withDaemon, 30],
      [translatedWithout, 9],
      [translatedWithDaemon, 0],
    ];
    const cells = columns.map(([outcomes, width]) => outcome(outcomes[label] ?? false, width));
    say(`  ${label.padEnd(12)}${cells.join('')}`);
  }
  return TRANSFERS.every(
    ({ label }) =>
      without[label] === false &&
      withDaemon[label] === true &&
      translatedWithout[label] === false &&
      translatedWithDaemon[label] === true,
  );
}

async function play(stage: Stage): Promise<boolean> {
  introduce(stage);
  heading('curl without the daemon');
  const without = await playWithout(stage, false);
  heading('Without the daemon, and translated: the client hidden, the server published');
  const translatedWithout = await playTranslated(stage, playWithout);
  const daemon = await startDaemon(stage);
  const withDaemon = await playWith(stage, false);
  await showKernelTable(stage);
  heading('With the daemon, and translated');
  const translatedWithDaemon = await playTranslated(stage, playWith);
  await daemon.stop();
  return summarise({ without, withDaemon, translatedWithout, translatedWithDaemon });
}

const laboratory = new Laboratory();
let asPromised = false;
try {
  asPromised = await play(await openStage(laboratory));
} finally {
  await laboratory.close();
}
say(asPromised ? '\nAll of it is gone again.' : '\nThis is not what the demo promises.');
process.exitCode = asPromised ? 0 : 1;
