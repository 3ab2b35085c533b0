/**
 * What is logged because of packets: decisions, and what else became of a connection. There is a budget for what opens
 * something or fails, and one for what is refused: a flood of refusals hides nothing else. What they leave out is logged as
 * a number, and costs no text.
 *
 * @module
 */
import type { Logger } from 'pino';
import { NetlinkRejected, SystemCallError, type ConntrackFtpError } from '../errors.js';
import { decisionRecord, type Decision, type DecisionRecord, type Rewritten } from '../helper/decision.js';
import type { ReleaseCause } from '../helper/effect.js';
import type { HelperEvents } from '../helper/events.js';
import type { ExpectedConnection } from '../helper/plan.js';
import { formatTuple, type Tuple } from '../wire/tuple.js';
import { LogBudget } from './log-budget.js';
import { REASONS } from './reasons.js';

export interface PacketLogParts {
  readonly logger: Logger;
  readonly linesPerSecond: number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export class PacketLog implements HelperEvents {
  readonly #logger: Logger;
  readonly #opened: LogBudget;
  readonly #refused: LogBudget;
  readonly #now: () => number;

  constructor({ logger, linesPerSecond, now }: PacketLogParts) {
    this.#logger = logger;
    this.#opened = new LogBudget(linesPerSecond);
    this.#refused = new LogBudget(linesPerSecond);
    this.#now = now;
  }

  /** Lines left out since the start. */
  get suppressed(): number {
    return this.#opened.suppressedInAll + this.#refused.suppressedInAll;
  }

  /** @param told  what the other side was told in place of what was announced */
  decision(decision: Decision, told?: Rewritten): void {
    if (!this.#may(decision.refusal === undefined ? this.#opened : this.#refused)) return;
    const record = decisionRecord(decision, told);
    const line = `${announced(record)}: ${record.decision}`;
    const facts = { event: 'decision', ...factsOf(record) };
    const { reason } = record;
    if (reason === undefined) this.#logger.info(facts, `${line}${rewritten(record)}`);
    else this.#logger.warn(facts, `${line}, ${reason}. ${REASONS[reason]}`);
  }

  /** The expectation of an announcement is taken back, because that goes on as it came after all. */
  withdrawn(announcement: Decision): void {
    if (!this.#may(this.#opened)) return;
    const record = decisionRecord(announcement);
    const { decision, ...facts } = factsOf(record);
    this.#logger.warn(
      { event: 'withdrawn', ...facts },
      `${announced(record)}: goes on as it came, its rewrite could not be completed`,
    );
  }

  /** @param failure  why the connection could not be marked */
  released(connection: Tuple, cause: ReleaseCause, failure?: ConntrackFtpError): void {
    if (!this.#may(this.#refused)) return;
    const name = formatTuple(connection);
    const facts = { event: 'released', connection: name, cause };
    if (failure === undefined) this.#logger.info(facts, `${name} is not read any more: ${cause}`);
    else
      this.#logger.warn({ ...facts, ...errnoOf(failure) }, `${name} stays in the queue: ${failure.message}`);
  }

  rejected({ master, tuple }: ExpectedConnection, error: ConntrackFtpError): void {
    if (!this.#may(this.#opened)) return;
    const facts = { event: 'pinhole-failed', master: formatTuple(master), expected: formatTuple(tuple) };
    this.#logger.error({ ...facts, ...errnoOf(error) }, error.message);
  }

  withheld(packet: number, cause: string): void {
    if (!this.#logger.isLevelEnabled('debug') || !this.#may(this.#refused)) return;
    this.#logger.debug({ event: 'withheld', packet, cause }, `withheld: ${cause}`);
  }

  /** What was asked of the kernel to read a packet failed. */
  unread(error: ConntrackFtpError): void {
    if (!this.#may(this.#opened)) return;
    this.#logger.warn(
      { event: 'unread', ...errnoOf(error) },
      `a packet passed unread, since ${error.message}`,
    );
  }

  defect(error: unknown): void {
    if (!this.#may(this.#opened)) return;
    this.#logger.error({ event: 'defect', err: error }, 'a packet passed unread because of a defect');
  }

  /** Says how many lines were left out, if any were: to be called now and then, and at the `end`. */
  settle(end = false): void {
    const now = end ? Infinity : this.#now();
    const lines = this.#opened.settle(now) + this.#refused.settle(now);
    if (lines > 0)
      this.#logger.warn({ event: 'suppressed', lines }, `${lines} lines were left out of this log`);
  }

  #may(budget: LogBudget): boolean {
    this.settle();
    return budget.take(this.#now());
  }
}

/** The log's own time stands for that of the record. */
function factsOf(record: DecisionRecord): Omit<DecisionRecord, 'time'> {
  const { time, ...facts } = record;
  return facts;
}

/** `227 10.2.0.2 port 30584 from server 10.2.0.2` */
function announced({ announcement, address, port, client, server }: DecisionRecord): string {
  const endpoint = port === undefined ? '' : ` ${address ?? ''} port ${port}`;
  const byClient = announcement === 'PORT' || announcement === 'EPRT';
  return `${announcement}${endpoint} from ${byClient ? `client ${client}` : `server ${server}`}`;
}

/** ` as 10.2.0.200 port 40000`, where the other side was told so. */
function rewritten({ rewrittenAddress, rewrittenPort }: DecisionRecord): string {
  if (rewrittenPort === undefined) return '';
  return ` as${rewrittenAddress === undefined ? '' : ` ${rewrittenAddress}`} port ${rewrittenPort}`;
}

const errnoOf = (error: ConntrackFtpError): { errno?: string } =>
  error instanceof NetlinkRejected || error instanceof SystemCallError ? { errno: error.errnoName } : {};
