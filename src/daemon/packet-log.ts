/**
 * Logs decisions, and other events of connections that packets cause. Expectations and failures have one budget,
 * refusals another, so a flood of refusals hides nothing else. Suppressed lines are logged as a number, and their text
 * is never built.
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

  /** Lines suppressed since the start. */
  get suppressed(): number {
    return this.#opened.suppressedInAll + this.#refused.suppressedInAll;
  }

  /** @param told  the endpoint sent to the other side instead of the announced one */
  decision(decision: Decision, told?: Rewritten): void {
    if (!this.#may(decision.refusal === undefined ? this.#opened : this.#refused)) return;
    const record = decisionRecord(decision, told);
    const line = `${announced(record)}: ${record.decision}`;
    const facts = { event: 'decision', ...factsOf(record) };
    const { reason } = record;
    if (reason === undefined) this.#logger.info(facts, `${line}${rewritten(record)}`);
    else this.#logger.warn(facts, `${line}, ${reason}. ${REASONS[reason]}`);
  }

  /** The expectation of an announcement is removed because the announcement is forwarded unchanged. */
  withdrawn(announcement: Decision): void {
    if (!this.#may(this.#opened)) return;
    const record = decisionRecord(announcement);
    const { decision, ...facts } = factsOf(record);
    this.#logger.warn(
      { event: 'withdrawn', ...facts },
      `${announced(record)}: forwarded unchanged because its rewrite failed`,
    );
  }

  /** @param failure  why the connection could not be marked */
  released(connection: Tuple, cause: ReleaseCause, failure?: ConntrackFtpError): void {
    if (!this.#may(this.#refused)) return;
    const name = formatTuple(connection);
    const facts = { event: 'released', connection: name, cause };
    if (failure === undefined) this.#logger.info(facts, `${name} is no longer read: ${cause}`);
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
    this.#logger.debug(
      { event: 'withheld', packet, cause },
      `dropped a segment, to be retransmitted: ${cause}`,
    );
  }

  /** A packet could not be read because a request to the kernel failed. */
  unread(error: ConntrackFtpError): void {
    if (!this.#may(this.#opened)) return;
    this.#logger.warn(
      { event: 'unread', ...errnoOf(error) },
      `a packet was forwarded unread: ${error.message}`,
    );
  }

  defect(error: unknown): void {
    if (!this.#may(this.#opened)) return;
    this.#logger.error(
      { event: 'defect', err: error },
      'a packet was forwarded unread because of a bug in this program',
    );
  }

  /** Logs how many lines were suppressed, if any. Call it periodically, and with `end` at the end. */
  reportSuppressed(end = false): void {
    const now = end ? Infinity : this.#now();
    const lines = this.#opened.takeSuppressed(now) + this.#refused.takeSuppressed(now);
    if (lines > 0)
      this.#logger.warn({ event: 'suppressed', lines }, `--log-rate suppressed ${lines} log lines`);
  }

  #may(budget: LogBudget): boolean {
    this.reportSuppressed();
    return budget.take(this.#now());
  }
}

/** Leaves out the time of the record: the log line has its own. */
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

/** ` as 10.2.0.200 port 40000` if the other side was sent that endpoint, otherwise empty. */
function rewritten({ rewrittenAddress, rewrittenPort }: DecisionRecord): string {
  if (rewrittenPort === undefined) return '';
  return ` as${rewrittenAddress === undefined ? '' : ` ${rewrittenAddress}`} port ${rewrittenPort}`;
}

const errnoOf = (error: ConntrackFtpError): { errno?: string } =>
  error instanceof NetlinkRejected || error instanceof SystemCallError ? { errno: error.errnoName } : {};
