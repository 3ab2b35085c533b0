/** A supervised worker with scripted threads: it is restarted after growing delays until it is stopped. */
import { EventEmitter } from 'node:events';
import pino, { type Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toMessage } from '../../src/daemon/error-message.js';
import { SupervisedWorker, sumOf } from '../../src/daemon/supervised-worker.js';
import type { WorkerThread } from '../../src/daemon/worker-life.js';
import type { FromWorker, ToWorker } from '../../src/daemon/worker-messages.js';
import { MissingError } from '../../src/errors.js';

/** Ends on a `stop` message, unless it is `deaf`. */
class Thread extends EventEmitter implements WorkerThread {
  readonly told: ToWorker[] = [];
  deaf = false;

  postMessage(message: ToWorker): void {
    this.told.push(message);
    if (message.kind === 'stop' && !this.deaf) this.end(0);
  }

  terminate(): Promise<number> {
    this.end(1);
    return Promise.resolve(1);
  }

  says(message: FromWorker): void {
    this.emit('message', message);
  }

  end(code: number): void {
    this.emit('exit', code);
  }

  dies(thrown: unknown): void {
    this.emit('error', thrown);
    this.end(1);
  }
}

let threads: Thread[];
let refused: Error | undefined;
let lines: string[];
let worker: SupervisedWorker;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  threads = [];
  refused = undefined;
  lines = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  const logger: Logger = pino({ base: null, timestamp: false }, { write });
  const spawn = (): WorkerThread => {
    if (refused !== undefined) throw refused;
    const thread = new Thread();
    threads.push(thread);
    return thread;
  };
  worker = new SupervisedWorker({ worker: 2, queue: 9, spawn, logger, write });
});
afterEach(() => {
  vi.useRealTimers();
});

const latest = (): Thread => {
  const thread = threads.at(-1);
  if (thread === undefined) throw new Error('no thread was started');
  return thread;
};
const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
const events = (): unknown[] => lines.map((line) => (JSON.parse(line) as { event: unknown }).event);

async function startUp(): Promise<void> {
  const started = worker.start();
  latest().says({ kind: 'ready' });
  await started;
}

describe('the start', () => {
  it('waits until the worker is ready', async () => {
    let isStarted = false;
    const started = worker.start().then(() => (isStarted = true));
    await pass(1000);
    expect(isStarted).toBe(false);
    latest().says({ kind: 'ready' });
    await started;
    expect(lines).toEqual([]);
  });

  it('throws the unchanged error of a worker that cannot start, and does not retry', async () => {
    const error = new MissingError('queue 9 is taken', { remedy: 'take another' });
    const started = worker.start();
    latest().says({ kind: 'failed', error: toMessage(error) });
    latest().end(0);
    await expect(started).rejects.toThrow(error);
    await expect(started).rejects.toMatchObject({ remedy: 'take another', exitCode: 3 });
    await pass(60_000);
    expect(threads).toHaveLength(1);
  });

  it('throws the error that ended the thread, or that prevented its creation', async () => {
    const started = worker.start();
    latest().dies(new TypeError('a defect'));
    await expect(started).rejects.toThrow(new TypeError('a defect'));
    refused = new Error('no more threads');
    await expect(worker.start()).rejects.toThrow('no more threads');
  });
});

describe('a worker that dies', () => {
  beforeEach(startUp);

  it('is reported with the cause, and restarted', async () => {
    latest().dies(new Error('out of luck'));
    await pass(99);
    expect(threads).toHaveLength(1);
    await pass(1);
    expect(threads).toHaveLength(2);
    latest().says({ kind: 'ready' });
    await pass(0);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { event: 'worker-died', worker: 2, queue: 9, cause: 'out of luck', err: { message: 'out of luck' } },
      { event: 'worker-restarted', worker: 2, queue: 9 },
    ]);
  });

  it.each([
    ['an exit', (thread: Thread) => thread.emit('exit', 7), 'the thread ended with exit code 7'],
    ['a thrown string', (thread: Thread) => thread.emit('error', 'why') && thread.emit('exit', 1), 'why'],
    [
      'a failure of its queue',
      (thread: Thread) => {
        thread.says({ kind: 'failed', error: toMessage(new MissingError('the queue is gone')) });
        thread.end(0);
      },
      'the queue is gone',
    ],
  ])('of %s is reported with the cause', async (_, die, cause) => {
    die(latest());
    await pass(0);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'worker-died', cause });
  });

  it('repeatedly, even before it is ready, is always restarted, after delays that grow to ten seconds', async () => {
    const pauses = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];
    for (const [at, milliseconds] of pauses.entries()) {
      if (at % 2 === 0) latest().says({ kind: 'ready' });
      latest().dies(new Error('again'));
      await pass(milliseconds - 1);
      expect(threads).toHaveLength(at + 1);
      await pass(1);
      expect(threads).toHaveLength(at + 2);
    }
  });

  it('after a long life is restarted after the first delay again', async () => {
    for (const milliseconds of [100, 200]) {
      latest().dies(new Error('early'));
      await pass(milliseconds);
    }
    latest().says({ kind: 'ready' });
    await pass(61_000);
    latest().dies(new Error('late'));
    await pass(100);
    expect(threads).toHaveLength(4);
  });

  it('and cannot be restarted at first is tried again', async () => {
    refused = new Error('no more threads');
    latest().dies(new Error('first'));
    await pass(150);
    refused = undefined;
    await pass(200);
    expect(threads).toHaveLength(2);
    expect(events()).toEqual(['worker-died', 'worker-died']);
  });
});

describe('the end', () => {
  beforeEach(startUp);

  it('sends stop to the worker, and is not reported as a death', async () => {
    await worker.stop();
    expect(latest().told).toEqual([{ kind: 'stop' }]);
    await pass(60_000);
    expect([threads.length, lines]).toEqual([1, []]);
  });

  it('does not wait for a worker that ignores stop', async () => {
    latest().deaf = true;
    let isStopped = false;
    const stopped = worker.stop().then(() => (isStopped = true));
    await pass(1_999);
    expect(isStopped).toBe(false);
    await pass(1);
    await stopped;
  });

  it('is immediate if the worker is dead', async () => {
    latest().dies(new Error('dead'));
    await pass(50);
    await worker.stop();
    await pass(60_000);
    expect(threads).toHaveLength(1);
  });

  it('reaches a worker that is not ready yet', async () => {
    latest().dies(new Error('dead'));
    await pass(100);
    await worker.stop();
    expect(latest().told).toEqual([{ kind: 'stop' }]);
    expect(events()).toEqual(['worker-died']);
  });
});

describe('the messages of a worker', () => {
  beforeEach(startUp);

  it('with a line are written to the log, and the worker is told how much was taken', () => {
    latest().says({ kind: 'log', line: '{"worker":2}\n' });
    expect(lines).toEqual(['{"worker":2}\n']);
    expect(latest().told).toEqual([{ kind: 'taken', characters: 13 }]);
  });

  it('with counters add up over its deaths', async () => {
    latest().says({ kind: 'counters', counters: { packets: 3, lines: 1 } });
    latest().says({ kind: 'counters', counters: { packets: 5, lines: 2 } });
    latest().dies(new Error('dead'));
    expect(worker.counters).toEqual({ packets: 5, lines: 2 });
    await pass(100);
    expect(worker.counters).toEqual({ packets: 5, lines: 2 });
    latest().says({ kind: 'counters', counters: { packets: 4, defects: 1 } });
    expect(worker.counters).toEqual({ packets: 9, lines: 2, defects: 1 });
  });
});

it('counters of the same name add up', () => {
  expect(sumOf([{ packets: 1 }, { packets: 2, lines: 3 }, {}])).toEqual({ packets: 3, lines: 3 });
});
