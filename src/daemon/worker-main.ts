/**
 * The entry of a worker thread. It reads one queue until the main thread sends `stop` or reading fails. Any other error
 * ends the thread, and the main thread sees it.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ConntrackFtpError } from '../errors.js';
import { loadBinding } from '../kernel/binding.js';
import { NetlinkSocket } from '../kernel/netlink-socket.js';
import { toMessage } from './error-message.js';
import { LogRelay } from './log-relay.js';
import { openWorkerLog } from './logger.js';
import { policyFrom } from './policy-options.js';
import { QueueReader } from './queue-reader.js';
import { readerLimits } from './limits.js';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.js';

/** Limit of the log lines that the main thread has not taken yet. */
const RELAY_CHARACTERS = 1024 * 1024;

if (parentPort === null) throw new Error('worker-main must run in a worker thread');
const port = parentPort;
const post = (message: FromWorker): void => {
  port.postMessage(message);
};

const { worker, options } = workerData as WorkerStart;
const relay = new LogRelay({
  capacity: RELAY_CHARACTERS,
  post: (line) => {
    post({ kind: 'log', line });
  },
  onLosses: (lines) => {
    logger.warn({ event: 'log-lost', lines }, `dropped ${lines} log lines: the reader was too slow`);
  },
});
const logger = openWorkerLog(options.logLevel, worker, relay);

let reader: QueueReader | undefined;
try {
  const binding = loadBinding();
  reader = new QueueReader({
    options,
    limits: readerLimits(options, worker),
    queue: options.queue + worker - 1,
    policy: policyFrom(options),
    binding,
    socket: NetlinkSocket.open(binding),
    logger,
    onSweep: postCounters,
  });
  reader.open(fail);
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'taken') relay.taken(message.characters);
    else end();
  });
  post({ kind: 'ready' });
} catch (error) {
  if (!(error instanceof Error)) throw error;
  fail(error);
}

function postCounters(): void {
  if (reader !== undefined) post({ kind: 'counters', counters: reader.counters });
}

/** With its sockets and its port closed, nothing keeps the thread running. */
function end(): void {
  reader?.close();
  relay.end();
  postCounters();
  port.close();
}

function fail(error: Error): void {
  if (!(error instanceof ConntrackFtpError)) throw error;
  post({ kind: 'failed', error: toMessage(error) });
  end();
}
