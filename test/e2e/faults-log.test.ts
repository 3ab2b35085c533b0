/**
 * Nobody reads the daemon's log: the pipe is full, or has no reader. FTP is not affected, and SIGTERM ends the daemon as
 * usual.
 *
 * @module
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../lab/condition.js';
import { conntrackFtp, loadDaemonRules } from '../lab/daemon.js';
import type { RunningProcess } from '../lab/running-process.js';
import { impatientVsftpd, KeepingClients } from './keeping-clients.js';
import { openScene, type Scene } from './scene.js';

const NONBLOCKING_READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** Returns what can be read now; `undefined` if that is nothing. */
function take(descriptor: number): string | undefined {
  const bytes = Buffer.alloc(1 << 20);
  return unlessFull(() => bytes.toString('utf8', 0, readSync(descriptor, bytes)));
}

function fill(pipe: string): void {
  const descriptor = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  // A page at a time: less would find no room while others still do.
  for (const bytes of [4096, 1])
    while (unlessFull(() => writeSync(descriptor, ' '.repeat(bytes))) !== undefined);
  closeSync(descriptor);
}

function unlessFull<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}

describe('the daemon’s log', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ placement: 'gateway', program: impatientVsftpd });
    await loadDaemonRules(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });

  async function startInto(
    pipe: string,
    ...options: readonly string[]
  ): Promise<{ daemon: RunningProcess; reader: number }> {
    const { laboratory, topology } = scene;
    await topology.firewall.runChecked(['mkfifo', pipe]);
    const reader = openSync(pipe, NONBLOCKING_READ);
    const redirected = ['sh', '-c', 'exec "$@" > "$0"', pipe, ...conntrackFtp('run', ...options)] as const;
    const daemon = await laboratory.start(topology.firewall, redirected);
    await daemon.waitUntil('ready', () => take(reader)?.includes('"event":"ready"'));
    return { daemon, reader };
  }

  /** Sessions that have fetched their files, and the end of the daemon. */
  async function expectService(daemon: RunningProcess): Promise<void> {
    const clients = await KeepingClients.start(scene);
    await clients.stop();
    clients.expectAllBut([]);
    expect(await daemon.stop('SIGTERM')).toEqual({ status: 0, signal: undefined });
    expect(daemon.stderr).toEqual([]);
  }

  it('is a pipe that nobody reads', async () => {
    const pipe = join(scene.laboratory.makeFolder('log'), 'full');
    const { daemon, reader } = await startInto(pipe);
    fill(pipe);
    await expectService(daemon);
    closeSync(reader);
  });

  it('is a pipe that nobody reads, with lines from workers', async () => {
    const pipe = join(scene.laboratory.makeFolder('log'), 'workers');
    // The ruleset knows the first of their queues only; that is enough for lines.
    const { daemon, reader } = await startInto(pipe, '--workers', '2');
    fill(pipe);
    await expectService(daemon);
    closeSync(reader);
  });

  it('is a pipe that is read again later: no line is dropped', async () => {
    const pipe = join(scene.laboratory.makeFolder('log'), 'slow');
    const { daemon, reader } = await startInto(pipe);
    fill(pipe);
    const clients = await KeepingClients.start(scene);
    await clients.stop();
    let text = '';
    await waitFor('the decisions', () => {
      text += take(reader) ?? '';
      return text.split('"decision":"expected"').length > clients.transfers.length;
    });
    expect(text).not.toContain('log-lost');
    await daemon.stop('SIGTERM');
    closeSync(reader);
  });

  it('is a pipe whose reader has gone', async () => {
    const pipe = join(scene.laboratory.makeFolder('log'), 'closed');
    const { daemon, reader } = await startInto(pipe);
    closeSync(reader);
    await expectService(daemon);
  });
});
