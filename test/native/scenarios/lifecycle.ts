/**
 * Lifetimes: closing, garbage collection, exits.
 *
 * @module
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NF_DROP, loadBinding, type NativeQueue } from '../../../src/kernel/binding.js';
import { waitFor } from '../../lab/condition.js';
import { acceptAll, openQueue, setVerdict } from './open-queue.js';
import { answer, perform } from './perform.js';
import { Receiver, numbered, sendAtOnce } from './traffic.js';

const CONNTRACK_DESTROY = 3;

const ignore = (): undefined => undefined;

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

const openEvents = (): { close(): void } => {
  const { EventSocket } = loadBinding();
  return new EventSocket([CONNTRACK_DESTROY], 1 << 20, ignore, ignore);
};
const openRequests = (): { close(): void } => {
  const { RequestSocket } = loadBinding();
  return new RequestSocket();
};
const OPENERS: Readonly<Record<string, () => { close(): void }>> = {
  QueueSocket: () => openQueue(acceptAll),
  EventSocket: openEvents,
  RequestSocket: openRequests,
};

const collectGarbage = async (): Promise<void> => {
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    await nextTurn();
  }
};

/** A separate function, so that no local variable keeps the queue alive. */
function openForgotten(onBatch: () => void, close: boolean): WeakRef<NativeQueue> {
  const queue = openQueue(onBatch);
  if (close) queue.close();
  return new WeakRef(queue);
}

await perform({
  'closing twice': () => {
    for (const open of Object.values(OPENERS)) {
      const socket = open();
      socket.close();
      socket.close();
    }
  },

  'closing inside the callback': async () => {
    const receiver = await Receiver.open();
    let calls = 0;
    const queue = openQueue(
      (current) => {
        calls += 1;
        current.close();
        current.close();
        // The current batch still gets its verdicts from the table.
        setVerdict(current, 1, { verdict: NF_DROP });
      },
      { batchSize: 4 },
    );
    sendAtOnce(numbered('text', 4));
    const texts = [...(await receiver.received(3))];
    // Nobody listens: the bypass rule accepts these.
    sendAtOnce(numbered('after', 2));
    await receiver.received(5);
    const second = openQueue(acceptAll);
    second.close();
    receiver.close();
    return { calls, texts, index: queue.index.length > 0 };
  },

  'closing inside the callback, with more batches waiting': async () => {
    const receiver = await Receiver.open();
    let calls = 0;
    const queue = openQueue(
      (current) => {
        calls += 1;
        current.close();
      },
      { batchSize: 2 },
    );
    sendAtOnce(numbered('text', 6));
    await receiver.received(2);
    await nextTurn();
    receiver.close();
    queue.close();
    // The kernel drops packets that were queued when their queue was closed.
    return { calls, texts: receiver.texts };
  },

  'an open queue that is forgotten': async () => {
    const receiver = await Receiver.open();
    let calls = 0;
    const reference = openForgotten(() => (calls += 1), false);
    await collectGarbage();
    sendAtOnce(['text']);
    await receiver.received(1);
    receiver.close();
    reference.deref()?.close();
    return calls;
  },

  'a closed queue that is forgotten': async () => {
    const reference = openForgotten(ignore, true);
    await waitFor('the queue to be collected', async () => {
      await collectGarbage();
      return reference.deref() === undefined;
    });
  },

  'tables outlive their queue': async () => {
    let tables: Int32Array[] = [];
    const open = (): void => {
      const queue = openQueue(acceptAll);
      tables = [queue.index, queue.verdicts, new Int32Array(queue.slab, 0, 1024)];
      queue.close();
    };
    open();
    await collectGarbage();
    for (const table of tables) table.fill(7);
    return tables.length === 3 && tables.every((table) => table.every((number) => number === 7));
  },

  'request sockets that are forgotten': async (count) => {
    const before = openDescriptors();
    for (let at = 0; at < Number(count); at += 1) openRequests();
    const open = openDescriptors();
    await waitFor('the descriptors to be closed', async () => {
      await collectGarbage();
      return openDescriptors() <= before;
    });
    return open - before;
  },

  'opened and closed many times': async (argument) => {
    const { socket, cycles } = argument as { socket: string; cycles: number };
    const open = OPENERS[socket];
    if (open === undefined) throw new Error(`there is no ${socket}`);
    const repeat = async (times: number): Promise<void> => {
      for (let at = 0; at < times; at += 1) {
        open().close();
        if (at % 50 === 0) await collectGarbage();
      }
      await collectGarbage();
    };
    await repeat(cycles / 5); // until the heaps have their size
    const before = { descriptors: openDescriptors(), memory: process.memoryUsage.rss() };
    await repeat(cycles);
    return {
      descriptors: openDescriptors() - before.descriptors,
      bytesPerCycle: (process.memoryUsage.rss() - before.memory) / cycles,
    };
  },

  'nothing is left to do': () => {
    openQueue(acceptAll).close();
    openEvents().close();
    openRequests();
  },

  'an open socket keeps the process running': async (socket) => {
    OPENERS[String(socket)]?.();
    setTimeout(() => {
      answer('it still ran');
      process.exit(0);
    }, 200).unref();
    await once(process, 'never');
  },

  'process.exit with everything open': () => {
    openQueue(acceptAll);
    openEvents();
    openRequests();
    answer('exit');
    process.exit(0);
  },

  'process.exit inside the callback': async () => {
    openQueue(() => {
      answer('exit');
      process.exit(0);
    });
    sendAtOnce(numbered('text', 3));
    await once(process, 'never');
  },

  'a termination signal': () => {
    openQueue(acceptAll);
    answer('kill');
    process.kill(process.pid, 'SIGTERM');
  },
});
