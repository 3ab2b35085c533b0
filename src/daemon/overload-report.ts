/**
 * Logs packets that were not read because the receive buffer of the queue was full. The kernel does not report packets
 * that it forwards or drops because `--queue-length` packets are waiting.
 *
 * @module
 */
import type { Logger } from 'pino';
import type { PacketQueue } from '../kernel/packet-queue.js';
import type { RunOptions } from './settings.js';

export class OverloadReport {
  readonly #logger: Logger;
  readonly #whenFull: RunOptions['whenFull'];
  #reported = 0;

  constructor(logger: Logger, whenFull: RunOptions['whenFull']) {
    this.#logger = logger;
    this.#whenFull = whenFull;
  }

  /** Logs the packets lost since the last call, if any. Call it periodically and at the end. */
  report({ overruns }: Pick<PacketQueue, 'overruns'>): void {
    const packets = overruns - this.#reported;
    if (packets === 0) return;
    this.#reported = overruns;
    const fate = this.#whenFull === 'accept' ? 'forwarded unread' : 'dropped, to be retransmitted';
    this.#logger.warn(
      { event: 'overload', packets },
      `${packets} packets were ${fate}: the receive buffer was full`,
    );
  }
}
