/**
 * The daemon does not keep up, here because it is stopped: the queue or its receive buffer is full. By default packets are
 * forwarded unread and sessions continue. With `--when-full drop` packets are retransmitted, and nothing fails.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../lab/condition.js';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { restoreRules } from '../lab/firewall.js';
import { queueState } from '../lab/queue-state.js';
import { CLIENT_SIDE } from '../lab/topology.js';
import { impatientVsftpd, KeepingClients } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

const QUEUE_LENGTH = 64;
const DISCARD_PORT = 9;
/** Datagrams to the gateway itself, in the same queue; its filter drops them behind it. */
const FLOOD_RULE = `*mangle
-4 -I PREROUTING -p udp --dport ${DISCARD_PORT} -j NFQUEUE --queue-num 0 --queue-bypass
COMMIT
`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
  await loadDaemonRules(scene.topology.firewall, [21]);
  await restoreRules(scene.topology.firewall, FLOOD_RULE);
  return () => scene.laboratory.close();
});

const stateOfQueue = async (): Promise<{ waiting: number; droppedFull: number; overruns: number }> => {
  const state = await queueState(scene.topology.firewall);
  if (state === undefined) throw new Error('nobody has bound the queue');
  return state;
};

/** Sends datagrams from the client, one after the other. */
async function flood(count: number, bytes: number): Promise<void> {
  const script = `
    const socket = require('node:dgram').createSocket('udp4');
    let left = ${count};
    const send = () => {
      if (left-- === 0) socket.close();
      else socket.send(Buffer.alloc(${bytes}), ${DISCARD_PORT}, '${CLIENT_SIDE[4]}', send);
    };
    send();`;
  await scene.topology.client.namespace.runChecked([process.execPath, '-e', script]);
}

async function fillQueue(): Promise<void> {
  await waitFor('a full queue', async () => {
    await flood(QUEUE_LENGTH, 100);
    return (await stateOfQueue()).waiting === QUEUE_LENGTH;
  });
}

/** Of 64 MiB: by large datagrams, and the room that is too small for one by small ones. */
async function fillReceiveBuffer(): Promise<void> {
  for (const bytes of [60_000, 100]) {
    const { overruns } = await stateOfQueue();
    await waitFor('a full receive buffer', async () => {
      await flood(400, bytes);
      return (await stateOfQueue()).overruns > overruns;
    });
  }
}

describe.each([
  { full: 'queue', options: ['--queue-length', String(QUEUE_LENGTH)], fill: fillQueue },
  { full: 'receive buffer', options: [], fill: fillReceiveBuffer },
])('a full $full', ({ full, options, fill }) => {
  /** Answers when reading stopped, too. */
  async function begin(
    ...more: readonly string[]
  ): Promise<{ daemon: Daemon; clients: KeepingClients; from: number }> {
    const settings = { ports: [21], options: [...options, ...more] };
    const daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, settings);
    const clients = await KeepingClients.start(scene);
    const from = Date.now();
    process.kill(daemon.pid, 'SIGSTOP');
    await fill();
    return { daemon, clients, from };
  }

  async function end(daemon: Daemon, clients: KeepingClients): Promise<void> {
    await clients.stop();
    await daemon.stop();
    expect(daemon.counter('defects')).toBe(0);
    expect(daemon.log.includes('"event":"overload"')).toBe(full === 'receive buffer');
    expect((daemon.counter('queueOverruns') ?? 0) > 0).toBe(full === 'receive buffer');
  }

  it('forwards packets unread: sessions continue without data connections', async () => {
    const { daemon, clients, from } = await begin();
    await clients.awaitAttempts();
    process.kill(daemon.pid, 'SIGCONT');
    await waitFor('an empty queue', async () => (await stateOfQueue()).waiting === 0);
    const to = Date.now();
    await clients.awaitTransfers();
    await end(daemon, clients);
    clients.expectAllBut([{ from, to }]);
    expect(clients.transfers.filter(({ bytes }) => bytes === 0)).not.toEqual([]);
  });

  it('delays packets with --when-full drop: every transfer is late, and none fails', async () => {
    const { daemon, clients } = await begin('--when-full', 'drop');
    const before = await stateOfQueue();
    await waitFor('dropped packets of the sessions', async () => {
      const { droppedFull, overruns } = await stateOfQueue();
      return droppedFull > before.droppedFull || overruns > before.overruns;
    });
    process.kill(daemon.pid, 'SIGCONT');
    await clients.awaitTransfers();
    await end(daemon, clients);
    clients.expectAllBut([]);
  });
});
