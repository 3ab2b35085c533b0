/**
 * Gives each queued packet to the helper, and the helper's verdict to the queue. Any error is logged and the packet
 * accepted: the daemon never blocks a control connection.
 *
 * @module
 */
import { ConntrackFtpError } from '../errors.js';
import type { FtpHelper, PacketView } from '../helper/ftp-helper.js';
import type { PacketQueue } from '../kernel/packet-queue.js';
import type { PacketLog } from './packet-log.js';

/** What the handler reads from a batch, and how it sets verdicts. */
export type QueuedBatch = Pick<PacketQueue, 'bytes' | 'start' | 'end' | 'packetId' | 'drop' | 'replace'>;

export interface PacketHandlerParts {
  readonly helper: Pick<FtpHelper, 'onPacket'>;
  readonly log: Pick<PacketLog, 'withheld' | 'unread' | 'defect'>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Reused for all packets: a packet allocates no object. */
interface MutableView extends PacketView {
  bytes: Buffer;
  start: number;
  end: number;
  number: number;
}

export class PacketHandler {
  readonly #parts: PacketHandlerParts;
  readonly #view: MutableView = { bytes: Buffer.alloc(0), start: 0, end: 0, number: 0 };
  /** Packets accepted because reading them threw an error that is a bug of this program. */
  defects = 0;

  constructor(parts: PacketHandlerParts) {
    this.#parts = parts;
  }

  /** Reads the packets of one batch and sets their verdicts; the default verdict of the queue is accept. */
  onBatch(queue: QueuedBatch, count: number): void {
    const now = this.#parts.now();
    this.#view.bytes = queue.bytes;
    for (let row = 0; row < count; row++) this.#onPacket(queue, row, now);
  }

  #onPacket(queue: QueuedBatch, row: number, now: number): void {
    const view = this.#view;
    view.start = queue.start(row);
    view.end = queue.end(row);
    view.number = queue.packetId(row);
    try {
      const verdict = this.#parts.helper.onPacket(view, now);
      if (verdict.kind === 'drop') this.#drop(queue, row, verdict.cause);
      if (verdict.kind !== 'replace') return;
      // Without room for the new bytes the packet is dropped here, just as any hop may drop it.
      const { packet } = verdict;
      if (!queue.replace(row, packet, 0, packet.length)) this.#drop(queue, row, 'no-room');
    } catch (error) {
      this.#report(error);
    }
  }

  #drop(queue: QueuedBatch, row: number, cause: string): void {
    queue.drop(row);
    this.#parts.log.withheld(queue.packetId(row), cause);
  }

  #report(error: unknown): void {
    // A refusal by the kernel is no bug of ours: the kernel may be out of memory.
    if (error instanceof ConntrackFtpError) {
      this.#parts.log.unread(error);
      return;
    }
    this.defects++;
    this.#parts.log.defect(error);
  }
}
