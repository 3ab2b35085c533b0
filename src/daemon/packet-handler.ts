/**
 * The daemon's work once everything is open: gives each queued packet to the helper, carries out what it asks
 * for before the packet's verdict, and logs it. Whatever fails here is logged and the packet accepted: a control
 * connection is never stopped by us.
 *
 * @module
 */
import { ConntrackFtpError } from '../errors.js';
import type { Effect, ExpectEffect, PromisedPinhole, ReleaseCause } from '../helper/effect.js';
import type { FtpHelper } from '../helper/ftp-helper.js';
import type { Passage } from '../helper/nat/verdict.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { PacketQueue } from '../kernel/packet-queue.js';
import type { Tuple } from '../wire/tuple.js';
import type { PacketLog } from './packet-log.js';
import type { OpenOutcome, PinholeOpener } from './pinhole-opener.js';

type ReplacePassage = Extract<Passage, { kind: 'replace' }>;

/** What is asked and told of the packets of a batch. */
export type QueuedBatch = Pick<PacketQueue, 'bytes' | 'start' | 'end' | 'packetId' | 'drop' | 'replace'>;

export interface DaemonParts {
  readonly helper: FtpHelper;
  readonly opener: Pick<PinholeOpener, 'open' | 'close'>;
  readonly table: Pick<ConntrackTable, 'setMark' | 'adjustSequence'>;
  readonly log: PacketLog;
  /** The connmark bits that keep a connection out of the queue. */
  readonly doneMark: number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export class Daemon {
  readonly #parts: DaemonParts;
  /** Packets accepted because reading them threw: a defect of ours. */
  defects = 0;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
  }

  /** Reads the packets of one batch and gives each its verdict; accept unless something else is said. */
  onBatch(queue: QueuedBatch, count: number): void {
    const now = this.#parts.now();
    for (let row = 0; row < count; row++) this.#onPacket(queue, row, now);
  }

  #onPacket(queue: QueuedBatch, row: number, now: number): void {
    try {
      const { helper } = this.#parts;
      const effects = helper.onPacket(
        queue.bytes,
        queue.start(row),
        queue.end(row),
        now,
        queue.packetId(row),
      );
      for (const effect of effects) this.#carryOut(effect);
      const passage = helper.passage(queue.bytes);
      if (passage.kind === 'replace') this.#replace(queue, row, passage);
      else if (passage.kind === 'drop') this.#drop(queue, row, passage.cause);
      for (const promised of helper.takeWithdrawn()) this.#withdraw(promised);
    } catch (error) {
      // The kernel's refusals are no defects: it has no memory left for an answer, for one.
      if (error instanceof ConntrackFtpError) {
        this.#parts.log.unread(error);
        return;
      }
      this.defects++;
      this.#parts.log.defect(error);
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'expect':
        this.#expect(effect);
        break;
      case 'refuse':
        this.#parts.log.decision(effect.decision);
        break;
      case 'release':
        this.#release(effect.connection, effect.cause);
        break;
    }
  }

  #expect(effect: ExpectEffect): void {
    const { helper, log } = this.#parts;
    const outcome = this.#open(effect);
    if (typeof outcome !== 'string') {
      log.decision(effect.decision, outcome);
      return;
    }
    helper.counters.expected--;
    helper.counters.refused++;
    log.decision({ ...effect.decision, refusal: outcome });
  }

  #open(effect: ExpectEffect): OpenOutcome {
    try {
      return this.#parts.opener.open(effect);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#parts.log.pinholeFailed(effect.expected, error);
      return 'kernel-refused';
    }
  }

  /** Nobody will use it as it was announced. */
  #withdraw(promised: PromisedPinhole): void {
    const { opener, log, helper } = this.#parts;
    helper.counters.withdrawn++;
    try {
      opener.close(promised);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      log.pinholeFailed(promised.effect.expected, error);
    }
    log.withdrawn(promised.effect.decision);
  }

  /** The kernel's numbers first, then the bytes: one without the other would break the connection. */
  #replace(queue: QueuedBatch, row: number, passage: ReplacePassage): void {
    const { helper } = this.#parts;
    const { adjustment, connection, length } = passage;
    if (adjustment !== undefined) {
      const outcome = this.#adjust(connection, adjustment);
      if (outcome !== 'adjusted') {
        // Without its numbers it must not pass; what comes next is looked at afresh.
        this.#drop(queue, row, outcome);
        helper.giveUp(connection);
        return;
      }
    }
    if (queue.replace(row, helper.rewritten, 0, length)) helper.passed();
    else this.#drop(queue, row, 'no-room');
  }

  #adjust(connection: Tuple, adjustment: NonNullable<ReplacePassage['adjustment']>): string {
    try {
      return this.#parts.table.adjustSequence(connection, adjustment.direction, adjustment.value);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      return error.message;
    }
  }

  #drop(queue: QueuedBatch, row: number, cause: string): void {
    queue.drop(row);
    this.#parts.log.withheld(queue.packetId(row), cause);
  }

  #release(connection: Tuple, cause: ReleaseCause): void {
    const { table, log, doneMark } = this.#parts;
    try {
      table.setMark(connection, doneMark, doneMark);
      log.released(connection, cause);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      log.released(connection, cause, error);
    }
  }
}
