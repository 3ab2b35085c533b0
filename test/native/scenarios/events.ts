/**
 * Receiving conntrack events.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readHostUint16, readHostUint32 } from '../../../src/wire/host-order.js';
import { loadBinding, type NativeEventSocket } from '../../../src/kernel/binding.js';
import { waitFor } from '../../lab/condition.js';
import { describeError } from './describe-error.js';
import { perform } from './perform.js';

const NFNLGRP_CONNTRACK_NEW = 1;
const NFNLGRP_CONNTRACK_DESTROY = 3;

type OnEvents = (socket: NativeEventSocket, types: readonly number[]) => void;

/** Listens to new and ended connections; passes the message types in the slab to `onEvents`. */
function listen(onEvents: OnEvents, receiveBufferBytes = 1 << 20): NativeEventSocket {
  const { EventSocket } = loadBinding();
  const socket: NativeEventSocket = new EventSocket(
    [NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_DESTROY],
    receiveBufferBytes,
    (length) => {
      const types: number[] = [];
      const bytes = Buffer.from(socket.slab, 0, length);
      for (let at = 0; at < length; at += (readHostUint32(bytes, at) + 3) & ~3) {
        types.push(readHostUint16(bytes, at + 4));
      }
      onEvents(socket, types);
    },
    (error) => {
      throw error;
    },
  );
  return socket;
}

/** Sends one datagram to each of these ports, which makes as many new connections before it returns. */
function connect(firstPort: number, count: number): void {
  const script = `for port in $(seq ${firstPort} ${firstPort + count - 1}); do echo > /dev/udp/127.0.0.1/$port; done`;
  spawnSync('bash', ['-c', script]);
}
const disconnectAll = (): void => {
  spawnSync('conntrack', ['-F']);
};

await perform({
  'connections come and go': async () => {
    const seen: number[] = [];
    const socket = listen((_, types) => seen.push(...types));
    connect(1, 2);
    disconnectAll();
    await waitFor('the events', () => seen.length >= 4);
    socket.close();
    return { seen, overruns: socket.overruns };
  },

  'more events than the receive buffer holds': async () => {
    let seen = 0;
    const socket = listen((_, types) => (seen += types.length), 4096);
    connect(1, 500);
    await waitFor('the overrun', () => socket.overruns > 0);
    const lost = seen < 500;
    const before = seen;
    connect(1000, 1);
    await waitFor('an event after the overrun', () => seen > before);
    socket.close();
    return { lost, overruns: socket.overruns };
  },

  'many events': async (count) => {
    let seen = 0;
    let calls = 0;
    const socket = listen((_, types) => {
      seen += types.length;
      calls += 1;
    }, 16 << 20);
    connect(1, Number(count));
    await waitFor('all events', () => seen >= Number(count));
    socket.close();
    return { seen, fewerCalls: calls < Number(count) / 10, overruns: socket.overruns };
  },

  'closing inside the callback': async () => {
    let calls = 0;
    listen((socket) => {
      calls += 1;
      socket.close();
    });
    connect(1, 1);
    await waitFor('the event', () => calls > 0);
    connect(2, 1);
    // Nothing keeps the process running any more: it ends by itself here.
    process.once('beforeExit', () => {
      process.exitCode = calls === 1 ? 0 : 1;
    });
  },

  'the callback throws': async () => {
    const socket = listen(() => {
      throw new Error('on purpose');
    });
    const uncaught = once(process, 'uncaughtException') as Promise<[Error]>;
    connect(1, 1);
    const [error] = await uncaught;
    socket.close();
    return error.message;
  },

  'a group that does not exist': () => {
    const { EventSocket } = loadBinding();
    const ignore = (): undefined => undefined;
    return describeError(() => new EventSocket([1, 60_000], 1 << 20, ignore, ignore));
  },
});
