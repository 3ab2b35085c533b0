/**
 * The task of the workers of `workers.ts`: opens all kinds of sockets, reports that, and then does what `task`
 * says. In JavaScript, because the loader of the other scenarios does not work in worker threads.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';

/** @type {unknown} */
const find = createRequire(import.meta.url)('node-gyp-build');
const load = /** @type {(root: string) => import('../../../src/kernel/binding.js').NativeBinding} */ (find);
const { QueueSocket, EventSocket, RequestSocket } = load(fileURLToPath(new URL('../../..', import.meta.url)));

const parent = parentPort;
if (parent === null) throw new Error('this is a worker');
const task = process.argv.at(-1);
const ignore = () => undefined;

let counted = 0;
const queue = new QueueSocket(
  { queue: 0, copyRange: 0, maxLength: 1024, failOpen: true, receiveBufferBytes: 1 << 20, batchSize: 16 },
  (count) => {
    counted += count;
    if (task === 'throw') throw new Error('on purpose');
    while (task === 'never return') counted += 1;
  },
  ignore,
);
const events = new EventSocket([1], 1 << 20, ignore, ignore);
const requests = new RequestSocket();
parent.on('message', () => {
  queue.close();
  events.close();
  requests.close();
  parent.postMessage(counted);
  parent.close();
});
parent.postMessage('ready');
if (task === 'exit') process.exit(7);
