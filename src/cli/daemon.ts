/**
 * The daemon's work once everything is open: gives each queued packet to the helper, carries out what it asks
 * for before the packet's verdict, and logs it. Whatever fails here is logged and the packet accepted: a control
 * connection is never stopped by us.
 *
 * @module
 */
import type { Logger } from 'pino';
import { ConntrackFtpError, NetlinkRejected } from '../errors.js';
import { decisionRecord, type Decision, type Obstacle } from '../helper/decision.js';
import type { ExpectedConnection } from '../helper/expectation-plan.js';
import type { Effect, FtpHelper } from '../helper/ftp-helper.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { PacketQueue } from '../kernel/packet-queue.js';
import { PINHOLE_REFUSALS, type Pinhole, type PinholeBackend } from '../kernel/pinhole.js';
import { formatTuple, type Tuple } from '../wire/tuple.js';

export interface DaemonParts {
  readonly helper: FtpHelper;
  readonly pinholes: PinholeBackend;
  readonly table: ConntrackTable;
  readonly logger: Logger;
  /** Seconds an unused expectation lives; `undefined`: as long as the anchor's policy says. */
  readonly lifetime: number | undefined;
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

  /** Reads the packets of one batch; their verdicts stay what the queue made them, accept. */
  onBatch(queue: PacketQueue, count: number): void {
    const now = this.#parts.now();
    for (let row = 0; row < count; row++) this.#onPacket(queue, row, now);
  }

  #onPacket(queue: PacketQueue, row: number, now: number): void {
    try {
      const { helper } = this.#parts;
      const { effects } = helper.onPacket(
        queue.bytes,
        queue.start(row),
        queue.end(row),
        now,
        queue.packetId(row),
      );
      for (const effect of effects) this.#carryOut(effect);
    } catch (error) {
      this.defects++;
      this.#parts.logger.error({ event: 'defect', err: error }, 'a packet passed unread because of a defect');
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'expect':
        this.#logDecision(effect.decision, this.#expect(effect.expected));
        break;
      case 'refuse':
        this.#logDecision(effect.decision, undefined);
        break;
      case 'release':
        this.#release(effect.connection, effect.cause);
        break;
    }
  }

  /** Answers what stood in the way, if anything did. */
  #expect(expected: ExpectedConnection): Obstacle | undefined {
    try {
      const outcome = this.#parts.pinholes.open(this.#pinhole(expected));
      return outcome === 'opened' || outcome === 'refreshed' ? undefined : outcome;
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      const { master, tuple } = expected;
      const facts = { event: 'pinhole-failed', master: formatTuple(master), expected: formatTuple(tuple) };
      this.#parts.logger.error({ ...facts, ...errnoOf(error) }, error.message);
      return 'kernel-refused';
    }
  }

  #pinhole({ master, tuple, followMaster }: ExpectedConnection): Pinhole {
    const nat =
      followMaster === undefined
        ? undefined
        : { direction: followMaster.direction, tuple: { ...tuple, sourcePort: followMaster.port } };
    return { master, zone: 0, tuple, lifetime: this.#parts.lifetime, nat };
  }

  #logDecision(decision: Decision, obstacle: Obstacle | undefined): void {
    const record = decisionRecord(obstacle === undefined ? decision : { ...decision, refusal: obstacle });
    // The log's own time stands for it.
    const { time, ...facts } = record;
    const endpoint = record.port === undefined ? '' : ` ${record.address ?? ''} port ${record.port}`;
    const line = `${record.announcement}${endpoint} from ${announcer(record)}: ${record.decision}`;
    const { logger } = this.#parts;
    if (record.reason === undefined) logger.info({ event: 'decision', ...facts }, line);
    else logger.warn({ event: 'decision', ...facts }, `${line}, ${record.reason}${remedyOf(obstacle)}`);
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

const announcer = (record: ReturnType<typeof decisionRecord>): string =>
  record.announcement === 'PORT' || record.announcement === 'EPRT'
    ? `client ${record.client}`
    : `server ${record.server}`;

function remedyOf(obstacle: Obstacle | undefined): string {
  if (obstacle === undefined || !(obstacle in PINHOLE_REFUSALS)) return '';
  return ` (${PINHOLE_REFUSALS[obstacle as keyof typeof PINHOLE_REFUSALS]})`;
}

const errnoOf = (error: ConntrackFtpError): { errno?: string } =>
  error instanceof NetlinkRejected ? { errno: error.errnoName } : {};
