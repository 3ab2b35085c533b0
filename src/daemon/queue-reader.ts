/**
 * The reader of one queue: its sockets, the helper, the log of its decisions, and periodic work. The daemon has one, or
 * one in each worker.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import type { Policy } from '../ftp/policy.js';
import { FtpHelper, type FtpHelperOptions } from '../helper/ftp-helper.js';
import type { NativeBinding } from '../kernel/binding.js';
import { ConntrackEvents } from '../kernel/conntrack-events.js';
import { ConntrackTable } from '../kernel/conntrack-table.js';
import { CtnetlinkPinholes } from '../kernel/expectations.js';
import type { NetlinkSocket } from '../kernel/netlink-socket.js';
import { PacketQueue } from '../kernel/packet-queue.js';
import { now } from './clock.js';
import { LiveConntrack } from './live-conntrack.js';
import { PacketHandler } from './packet-handler.js';
import type { RunOptions } from './settings.js';
import { OverloadReport } from './overload-report.js';
import { PacketLog } from './packet-log.js';
import type { ReaderLimits } from './limits.js';

const COPY_RANGE = 65_531;
/** Packets per system call; with 64, a packet costs a tenth more under load (docs/performance.md). */
const BATCH_SIZE = 256;
const RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 10_000;
const MAX_SEED = 2 ** 32;

/** Counters by name; unknown ones are absent. */
export type Counters = Readonly<Record<string, number>>;

export interface QueueReaderParts {
  readonly options: RunOptions;
  readonly limits: ReaderLimits;
  /** NFQUEUE number. */
  readonly queue: number;
  readonly policy: Policy;
  readonly binding: NativeBinding;
  /** For requests to the kernel; closed together with the reader. */
  readonly socket: NetlinkSocket;
  readonly logger: Logger;
  /** Called at each sweep. */
  readonly onSweep?: () => void;
}

export class QueueReader {
  readonly #parts: QueueReaderParts;
  readonly #helper: FtpHelper;
  readonly #packetLog: PacketLog;
  readonly #handler: PacketHandler;
  readonly #overload: OverloadReport;
  #events: ConntrackEvents | undefined;
  #queue: PacketQueue | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(parts: QueueReaderParts) {
    const { options, limits, socket, logger } = parts;
    this.#parts = parts;
    this.#packetLog = new PacketLog({ logger, linesPerSecond: limits.logLines, now });
    const conntrack = new LiveConntrack({
      table: new ConntrackTable(socket),
      pinholes: new CtnetlinkPinholes(socket),
      doneMark: options.mark,
    });
    this.#helper = new FtpHelper(helperOptions(parts), conntrack, this.#packetLog);
    this.#handler = new PacketHandler({ helper: this.#helper, log: this.#packetLog, now });
    this.#overload = new OverloadReport(logger, options.whenFull);
  }

  /** Starts reading packets. Throws if that fails; a later error that ends the reading goes to `onError`. */
  open(onError: (error: Error) => void): void {
    this.#events = this.#openEvents(onError);
    this.#queue = this.#openQueue(onError);
    this.#sweep = setInterval(() => {
      this.#sweepOut();
    }, SWEEP_INTERVAL_MS);
    const { logger } = this.#parts;
    for (const refusal of this.#queue.refusals) {
      logger.warn(
        { event: 'setting-refused', setting: refusal },
        `the kernel does not support a setting of the queue: ${refusal}`,
      );
    }
  }

  /** Closes everything that is open, and logs the last reports about packets. */
  close(): void {
    clearInterval(this.#sweep);
    this.#queue?.close();
    this.#events?.close();
    this.#parts.socket.close();
    this.#packetLog.reportSuppressed(true);
    if (this.#queue !== undefined) this.#overload.report(this.#queue);
  }

  /** Counts since the start; counters of sockets that could not be opened are absent. */
  get counters(): Counters {
    return {
      ...this.#helper.counters,
      ...this.#helper.limitCounters,
      ...(this.#queue && { queueOverruns: this.#queue.overruns, queueMalformed: this.#queue.malformed }),
      ...(this.#events && { eventOverruns: this.#events.overruns }),
      linesSuppressed: this.#packetLog.suppressed,
      defects: this.#handler.defects,
    };
  }

  #sweepOut(): void {
    this.#helper.expire(now());
    this.#packetLog.reportSuppressed();
    if (this.#queue !== undefined) this.#overload.report(this.#queue);
    this.#parts.onSweep?.();
  }

  #openQueue(onError: (error: Error) => void): PacketQueue {
    const { binding, options, queue: number } = this.#parts;
    return new PacketQueue(
      binding,
      {
        queue: number,
        copyRange: COPY_RANGE,
        maxLength: options.queueLength,
        failOpen: options.whenFull === 'accept',
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
        batchSize: BATCH_SIZE,
      },
      {
        onBatch: (queue, count) => {
          this.#handler.onBatch(queue, count);
        },
        onError,
      },
    );
  }

  #openEvents(onError: (error: Error) => void): ConntrackEvents {
    return new ConntrackEvents(this.#parts.binding, {
      expectations: 'ended',
      ports: this.#parts.options.ports,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      onEvent: (event) => {
        if (event.kind === 'connection-ended') this.#helper.onConnectionEnded(event.connection);
        else if (event.kind === 'expectation-ended') this.#helper.onExpectationEnded(event.expectation.tuple);
      },
      onError,
    });
  }
}

function helperOptions({ options, limits, policy }: QueueReaderParts): FtpHelperOptions {
  return {
    policy,
    ports: options.ports,
    capacity: limits.connections,
    maxConnectionsPerClient: limits.connectionsPerClient,
    maxOutOfOrderTotal: limits.outOfOrderBytes,
    maxUnfinishedLineTotal: limits.unfinishedLineBytes,
    expectSeconds: options.expectSeconds,
    maxExpectationsPerClient: limits.expectationsPerClient,
    maxExpectAttemptsPerClient: limits.pinholeRequests,
    idleSeconds: options.idleSeconds,
    seed: randomInt(MAX_SEED),
    random: Math.random,
    publicAddresses: options.announceAddress,
  };
}
