/**
 * Sessions that outlast a fault: each keeps its control connection and fetches one file after another
 * (`keeping-client.mjs`), while a test does its worst.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { z } from 'zod';
import { MODES, type Mode } from '../lab/clients/client.js';
import type { Family } from '../lab/family.js';
import { SMALL_FILE_BYTES } from '../lab/ftp-root.js';
import type { RunningProcess } from '../lab/running-process.js';
import { vsftpdWith } from '../lab/servers/vsftpd.js';
import type { Scene } from './scene.js';

const CLIENT = fileURLToPath(new URL('keeping-client.mjs', import.meta.url));
const RECOVERS_WITHIN_MS = 40_000;

/** It gives up on a data connection soon, so that a client whose announcement was not read can go on. */
export const impatientVsftpd = vsftpdWith({ connect_timeout: 2, accept_timeout: 10 });

const transfer = z.object({
  event: z.literal('transfer'),
  session: z.string(),
  /** Milliseconds since 1970: before the session's first word for it, and after its last. */
  begun: z.number(),
  ended: z.number(),
  /** 0 where the data connection did not come about. */
  bytes: z.number(),
});
export type Transfer = z.infer<typeof transfer>;

const line = z.union([transfer, z.object({ event: z.enum(['kept', 'lost']), session: z.string() })]);

/** A time in which announcements may go unread, milliseconds since 1970. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export interface SessionPlan {
  readonly family: Family;
  readonly mode: Mode;
}

/** One session of each mode, in each family that has it. */
export const EACH_MODE: readonly SessionPlan[] = [
  ...MODES.map((mode) => ({ family: 4, mode }) as const),
  { family: 6, mode: 'EPSV' },
  { family: 6, mode: 'EPRT' },
];

export class KeepingClients {
  readonly #process: RunningProcess;
  readonly #sessions: readonly string[];

  private constructor(process: RunningProcess, sessions: readonly string[]) {
    this.#process = process;
    this.#sessions = sessions;
  }

  /** Every session has fetched its file once when this resolves, or has tried to. */
  static async start(
    scene: Scene,
    plans: readonly SessionPlan[] = EACH_MODE,
    until: 'transfer' | 'attempt' = 'transfer',
  ): Promise<KeepingClients> {
    const { laboratory, topology, server } = scene;
    const sessions = plans.map(({ family, mode }, at) => `${server.host.address[family]}/${mode}/${at}`);
    const command = [process.execPath, CLIENT, ...sessions] as const;
    const clients = new KeepingClients(await laboratory.start(topology.client.namespace, command), sessions);
    await (until === 'transfer' ? clients.awaitTransfers() : clients.awaitAttempts());
    return clients;
  }

  get transfers(): readonly Transfer[] {
    return this.#lines.flatMap((one) => (one.event === 'transfer' ? [one] : []));
  }

  /** Waits until each session has fetched its file once more, in a transfer that began from now on. */
  async awaitTransfers(): Promise<void> {
    await this.#awaitEach('transfer', ({ bytes }) => bytes > 0);
  }

  /** As `awaitTransfers`, but a transfer may have failed. */
  async awaitAttempts(): Promise<void> {
    await this.#awaitEach('attempt', () => true);
  }

  async #awaitEach(what: string, counts: (transfer: Transfer) => boolean): Promise<void> {
    const from = Date.now();
    await this.#process.waitUntil(
      `${what} of each session`,
      () => {
        this.#expectNoneLost();
        const ended = this.transfers.filter((one) => one.begun >= from && counts(one));
        return new Set(ended.map(({ session }) => session)).size === this.#sessions.length;
      },
      RECOVERS_WITHIN_MS,
    );
  }

  /** Has the sessions say goodbye: their control connections are as good as on the first day. */
  async stop(): Promise<void> {
    await this.#process.stop('SIGTERM', RECOVERS_WITHIN_MS);
    this.#expectNoneLost();
    const kept = this.#lines.filter(({ event }) => event === 'kept').map(({ session }) => session);
    expect(kept.sort()).toEqual([...this.#sessions].sort());
  }

  /** All transfers went well, but for some of those that touched a gap. */
  expectAllBut(gaps: readonly Gap[]): void {
    const touched = ({ begun, ended }: Transfer): boolean =>
      gaps.some(({ from, to }) => begun <= to && ended >= from);
    const wrong = this.transfers.filter((one) => one.bytes !== SMALL_FILE_BYTES && !touched(one));
    expect(wrong, JSON.stringify(gaps)).toEqual([]);
  }

  get #lines(): readonly z.infer<typeof line>[] {
    return this.#process.stdout.map((text) => line.parse(JSON.parse(text)));
  }

  #expectNoneLost(): void {
    expect(this.#process.stdout.filter((text) => text.includes('"lost"'))).toEqual([]);
  }
}
