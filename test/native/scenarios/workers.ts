/**
 * The addon in worker threads and in several environments at once.
 *
 * @module
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { waitFor } from '../../lab/condition.js';
import { acceptAll, openQueue } from './open-queue.js';
import { perform } from './perform.js';
import { Receiver, numbered, send, sendAtOnce } from './traffic.js';

/** Starts a worker with a queue and waits until it reports that the queue is open. */
async function startWorker(task: string): Promise<Worker> {
  const worker = new Worker(new URL('worker-task.js', import.meta.url), { argv: [task] });
  await once(worker, 'message');
  return worker;
}

await perform({
  'a worker serves the queue and ends': async () => {
    const receiver = await Receiver.open();
    const worker = await startWorker('count and close');
    const counted = once(worker, 'message') as Promise<[number]>;
    await send(numbered('text', 3));
    const texts = await receiver.received(3);
    worker.postMessage('close');
    const [[count], [status]] = await Promise.all([counted, once(worker, 'exit') as Promise<[number]>]);
    receiver.close();
    return { texts, count, status };
  },

  'the main thread and a worker have a queue each': async () => {
    const receiver = await Receiver.open();
    let inMain = 0;
    const worker = await startWorker('count and close');
    const queue = openQueue((_, count) => (inMain += count), { queue: 1 });
    const counted = once(worker, 'message') as Promise<[number]>;
    // The rules send packets for this address to queue 1.
    await send(['one', 'two'], '127.0.0.2');
    await send(['three'], '127.0.0.1');
    await receiver.received(3);
    await waitFor('the packets of the main thread', () => inMain === 2);
    worker.postMessage('close');
    const [inWorker] = await counted;
    queue.close();
    receiver.close();
    return { inMain, inWorker };
  },

  'workers are terminated': async (task) => {
    for (let round = 0; round < 3; round += 1) {
      const worker = await startWorker(String(task));
      sendAtOnce(numbered('text', 5));
      await worker.terminate();
      // The queue is free immediately.
      openQueue(acceptAll).close();
    }
  },

  'a worker that ends with everything open': async () => {
    const worker = await startWorker('exit');
    const [status] = (await once(worker, 'exit')) as [number];
    openQueue(acceptAll).close();
    return status;
  },

  'a worker whose callback throws': async () => {
    const worker = await startWorker('throw');
    const failed = once(worker, 'error') as Promise<[Error]>;
    await send(['text']);
    const [error] = await failed;
    return error.message;
  },

  'the process ends while workers run': async () => {
    await startWorker('count and close');
    process.exit(0);
  },
});
