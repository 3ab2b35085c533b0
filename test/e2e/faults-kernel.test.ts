/**
 * The kernel refuses requests, or something that the daemon needs disappears during sessions: expectations, connections,
 * the carrier helper, the ruleset, an interface. A refused announcement is logged with its reason; the session and its
 * next transfer still work.
 *
 * @module
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Agent } from '../kernel/agent.js';
import { waitFor } from '../lab/condition.js';
import { conntrackFtp, Daemon, loadDaemonRules } from '../lab/daemon.js';
import { restoreRules } from '../lab/firewall.js';
import { queueState } from '../lab/queue-state.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { impatientVsftpd, KeepingClients, type Gap, type SessionPlan } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

/** An interface that goes down loses its IPv6 addresses: not the daemon's doing. */
const IPV4_SESSIONS: readonly SessionPlan[] = [
  { family: 4, mode: 'PASV' },
  { family: 4, mode: 'EPSV' },
  { family: 4, mode: 'PORT' },
  { family: 4, mode: 'EPRT' },
];
const TIMES = 2;

let scene: Scene;
let daemon: Daemon;
let clients: KeepingClients;
const gaps: Gap[] = [];
beforeAll(async () => {
  scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
  await loadDaemonRules(scene.topology.firewall, [21]);
  return () => scene.laboratory.close();
});
beforeEach(async () => {
  gaps.length = 0;
  daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
});

/** What holds for every fault: it is over, and no client has lost a control connection. */
async function recover(from: number): Promise<void> {
  gaps.push({ from, to: Date.now() });
  await clients.awaitTransfers();
}
afterEach(async () => {
  try {
    await clients.stop();
    clients.expectAllBut(gaps);
  } finally {
    await daemon.stop();
  }
  expect(daemon.counter('defects')).toBe(0);
  expect(daemon.log).not.toMatch(/\n\s+at /);
});

const awaitRefusal = (reason: string, from = 0): Promise<unknown> =>
  waitFor(`a refusal, ${reason}`, () =>
    daemon.decisions.slice(from).find((decision) => decision.reason === reason),
  );

describe('refused by the kernel', () => {
  beforeEach(async () => {
    clients = await KeepingClients.start(scene, IPV4_SESSIONS);
  });

  it('the expectation table is full', async () => {
    const { firewall } = scene.topology;
    const limit = Number(
      await firewall.runChecked(['sysctl', '-n', 'net.netfilter.nf_conntrack_expect_max']),
    );
    const masters = Array.from({ length: limit + 1 }, (_, at) =>
      tupleOf('10.9.0.2', 5000 + at, '10.8.0.2', 21),
    );
    const agent = await Agent.start(firewall);
    const from = Date.now();
    expect(await agent.ask('openUntilRefused', masters)).toMatchObject({ outcome: 'table-full' });
    await awaitRefusal('table-full');
    // Their expectations go with them.
    await firewall.runChecked(['conntrack', '-D', '-s', '10.9.0.2']);
    await recover(from);
    await agent.stop();
  });

  it('the control connection is repeatedly deleted from the table', async () => {
    const { firewall } = scene.topology;
    for (let time = 0; time < TIMES; time++) {
      const from = Date.now();
      process.kill(daemon.pid, 'SIGSTOP');
      await waitFor('packets in the queue', async () => ((await queueState(firewall))?.waiting ?? 0) > 0);
      await firewall.runChecked(['conntrack', '-D', '-p', 'tcp', '--dport', '21']);
      process.kill(daemon.pid, 'SIGCONT');
      // The daemon receives the destroy event, and then picks the session up mid-stream.
      await clients.awaitTransfers();
      await recover(from);
    }
  });

  it('the ruleset is repeatedly removed and applied again', async () => {
    const { firewall } = scene.topology;
    for (let time = 0; time < TIMES; time++) {
      const from = Date.now();
      await restoreRules(firewall, await firewall.runChecked(conntrackFtp('rules', 'iptables', '--remove')));
      await firewall.runChecked(conntrackFtp('rules', 'iptables', '--apply'));
      await recover(from);
    }
  });

  it('an interface goes down with packets in the queue', async () => {
    const { firewall } = scene.topology;
    const from = Date.now();
    process.kill(daemon.pid, 'SIGSTOP');
    await waitFor('packets in the queue', async () => ((await queueState(firewall))?.waiting ?? 0) > 0);
    await firewall.configure(['link set outside down', 'link set inside down']);
    process.kill(daemon.pid, 'SIGCONT');
    await firewall.configure(['link set outside up', 'link set inside up']);
    await recover(from);
  });
});

it('the carrier helper is missing when the sessions start', async () => {
  const { firewall } = scene.topology;
  const from = Date.now();
  await restoreRules(firewall, '*raw\n-F CONNTRACK_FTP\nCOMMIT\n');
  const beginning = KeepingClients.start(scene, IPV4_SESSIONS, 'attempt');
  await awaitRefusal('no-helper');
  await firewall.runChecked(conntrackFtp('rules', 'iptables', '--apply'));
  clients = await beginning;
  // These connections never get a helper. New ones do.
  await clients.stop();
  clients = await KeepingClients.start(scene, IPV4_SESSIONS);
  await recover(from);
});
