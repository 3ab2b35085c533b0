/**
 * The daemon's work once everything is open: gives each queued packet to the helper, carries out what it asks
 * for before the packet's verdict, and logs it. Whatever fails here is logged and the packet accepted: a control
 * connection is never stopped by us.
 *
 * @module
 */
import type { Logger } from 'pino';
import { ConntrackFtpError, NetlinkRejected } from '../errors.js';
import { decisionRecord, type DecisionRecord, type Obstacle } from '../helper/decision.js';
import type { Effect, ExpectEffect, PromisedPinhole } from '../helper/effect.js';
import type { FtpHelper } from '../helper/ftp-helper.js';
import type { Passage } from '../helper/passage.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { PacketQueue } from '../kernel/packet-queue.js';
import { PINHOLE_REFUSALS } from '../kernel/pinhole.js';
import { formatTuple, type Tuple } from '../wire/tuple.js';
import type { OpenOutcome, PinholeOpener } from './pinhole-opener.js';

type ReplacePassage = Extract<Passage, { kind: 'replace' }>;

export interface DaemonParts {
  readonly helper: FtpHelper;
  readonly opener: PinholeOpener;
  readonly table: ConntrackTable;
  readonly logger: Logger;
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
  onBatch(queue: PacketQueue, count: number): void {
    const now = this.#parts.now();
    for (let row = 0; row < count; row++) this.#onPacket(queue, row, now);
  }

  #onPacket(queue: PacketQueue, row: number, now: number): void {
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
      this.defects++;
      this.#parts.logger.error({ event: 'defect', err: error }, 'a packet passed unread because of a defect');
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'expect':
        this.#expect(effect);
        break;
      case 'refuse':
        this.#logDecision(decisionRecord(effect.decision));
        break;
      case 'release':
        this.#release(effect.connection, effect.cause);
        break;
    }
  }

  #expect(effect: ExpectEffect): void {
    const outcome = this.#open(effect);
    if (typeof outcome !== 'string') {
      this.#logDecision(decisionRecord(effect.decision, outcome));
      return;
    }
    const { counters } = this.#parts.helper;
    counters.expected--;
    counters.refused++;
    this.#logDecision(decisionRecord({ ...effect.decision, refusal: outcome }), remedyOf(outcome));
  }

  #open(effect: ExpectEffect): OpenOutcome {
    try {
      return this.#parts.opener.open(effect);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#logPinholeFailure(effect, error);
      return 'kernel-refused';
    }
  }

  /** Their announcements go on as they came after all: nobody will use them as they were announced. */
  #withdraw(promised: PromisedPinhole): void {
    const { opener, logger, helper } = this.#parts;
    helper.counters.withdrawn++;
    try {
      opener.close(promised);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#logPinholeFailure(promised.effect, error);
    }
    const { time, decision, ...facts } = decisionRecord(promised.effect.decision);
    const what = `${facts.announcement} ${facts.address ?? ''} port ${facts.port ?? ''}`;
    logger.warn(
      { event: 'withdrawn', ...facts },
      `${what} from ${announcer(facts)}: goes on as it came, its rewrite could not be completed`,
    );
  }

  #logPinholeFailure({ expected: { master, tuple } }: ExpectEffect, error: ConntrackFtpError): void {
    const facts = { event: 'pinhole-failed', master: formatTuple(master), expected: formatTuple(tuple) };
    this.#parts.logger.error({ ...facts, ...errnoOf(error) }, error.message);
  }

  /** The kernel's numbers first, then the bytes: one without the other would break the connection. */
  #replace(queue: PacketQueue, row: number, passage: ReplacePassage): void {
    const { helper } = this.#parts;
    const { adjustment, connection, length } = passage;
    if (adjustment !== undefined) {
      const outcome = this.#adjust(connection, adjustment);
      if (outcome !== 'adjusted') {
        // Without its numbers it must not pass; what comes next is looked at afresh.
        this.#drop(queue, row, outcome);
        helper.forget(connection);
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

  #drop(queue: PacketQueue, row: number, cause: string): void {
    queue.drop(row);
    this.#parts.logger.debug({ event: 'withheld', packet: queue.packetId(row), cause }, `withheld: ${cause}`);
  }

  #logDecision(record: DecisionRecord, remedy = ''): void {
    // The log's own time stands for it.
    const { time, ...facts } = record;
    const endpoint = record.port === undefined ? '' : ` ${record.address ?? ''} port ${record.port}`;
    const line = `${record.announcement}${endpoint} from ${announcer(record)}: ${record.decision}`;
    const { logger } = this.#parts;
    if (record.reason === undefined)
      logger.info({ event: 'decision', ...facts }, `${line}${rewritten(record)}`);
    else logger.warn({ event: 'decision', ...facts }, `${line}, ${record.reason}${remedy}`);
  }

  #release(connection: Tuple, cause: 'encrypted' | 'not-ftp'): void {
    const { table, logger, doneMark } = this.#parts;
    const facts = { event: 'released', connection: formatTuple(connection), cause };
    try {
      table.setMark(connection, doneMark, doneMark);
      logger.info(facts, `${facts.connection} is ${cause}: not read any more`);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      logger.warn(
        { ...facts, ...errnoOf(error) },
        `${facts.connection} stays in the queue: ${error.message}`,
      );
    }
  }
}

/** ` as 10.2.0.200 port 40000`, where the other side was told so. */
const rewritten = ({ rewrittenAddress, rewrittenPort }: DecisionRecord): string => {
  if (rewrittenPort === undefined) return '';
  return ` as${rewrittenAddress === undefined ? '' : ` ${rewrittenAddress}`} port ${rewrittenPort}`;
};

const announcer = (record: Pick<DecisionRecord, 'announcement' | 'client' | 'server'>): string =>
  record.announcement === 'PORT' || record.announcement === 'EPRT'
    ? `client ${record.client}`
    : `server ${record.server}`;

function remedyOf(obstacle: Obstacle): string {
  if (!(obstacle in PINHOLE_REFUSALS)) return '';
  return ` (${PINHOLE_REFUSALS[obstacle as keyof typeof PINHOLE_REFUSALS]})`;
}

const errnoOf = (error: ConntrackFtpError): { errno?: string } =>
  error instanceof NetlinkRejected ? { errno: error.errnoName } : {};
