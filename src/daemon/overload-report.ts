/**
 * Says in the log when packets have gone by unread because the queue's receive buffer was full. What the kernel does when
 * `--queue-length` packets wait is not told to us.
 *
 * @module
 */
import type { Logger } from 'pino';
import type { PacketQueue } from '../kernel/packet-queue.js';
import type { RunOptions } from './settings.js';

export class OverloadReport {
  readonly #logger: Logger;
  readonly #whenFull: RunOptions['whenFull'];
  #told = 0;

  constructor(logger: Logger, whenFull: RunOptions['whenFull']) {
    this.#logger = logger;
    this.#whenFull = whenFull;
  }

  /** To be called now and then, and at the end. */
  settle({ overruns }: Pick<PacketQueue, 'overruns'>): void {
    const packets = overruns - this.#told;
    if (packets === 0) return;
    this.#told = overruns;
    const fate = this.#whenFull === 'accept' ? 'passed unread' : 'were dropped, to be sent again';
    this.#logger.warn(
      { event: 'overload', packets },
      `${packets} packets ${fate}: the receive buffer was full`,
    );
  }
}
