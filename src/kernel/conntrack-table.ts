/**
 * Reads and changes single entries of the kernel's connection tracking table over ctnetlink. An entry is identified
 * by the tuple of either direction and its zone. A missing entry is a normal result; every other failure is thrown.
 *
 * @module
 */
import { CONNTRACK_STATUS, readConntrack, writeConntrack, type ConntrackEntry } from '../wire/conntrack.js';
import { ipFamily } from '../wire/ip-address.js';
import type { NetlinkWriter } from '../wire/netlink-writer.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../wire/nfnetlink.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import type { Tuple } from '../wire/tuple.js';
import { ERRNO } from './errno.js';
import { malformed, rejected, type NetlinkAnswer, type NetlinkSocket } from './netlink-socket.js';

/** `no-room`: the entry has no sequence adjustment extension, and the kernel silently ignored the request. */
export type AdjustmentOutcome = 'adjusted' | 'no-room' | 'gone';

/**
 * Methods throw `NetlinkRejected` if the kernel refuses (EPERM, for example), and the errors of
 * `NetlinkSocket.transact`.
 */
export class ConntrackTable {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Returns the entry whose original or reply tuple is `tuple`, or `undefined`. */
  find(tuple: Tuple, zone = 0): ConntrackEntry | undefined {
    const operation = 'find a connection';
    writeConntrack(this.#request(CTNETLINK_MESSAGES.get, tuple), { original: tuple, zone });
    const [answer] = this.#socket.transact(operation);
    return answer !== undefined && wasThere(operation, answer) ? entryOf(operation, answer) : undefined;
  }

  /** Sets the connmark bits in `mask` to those of `mark`. Returns false if there is no entry. */
  setMark(tuple: Tuple, mark: number, mask: number, zone = 0): boolean {
    const operation = 'mark a connection';
    const fields = { original: tuple, zone, mark: (mark & mask) >>> 0, markMask: mask >>> 0 };
    writeConntrack(this.#request(CTNETLINK_MESSAGES.new, tuple), fields);
    const [answer] = this.#socket.transact(operation);
    return answer !== undefined && wasThere(operation, answer);
  }

  /**
   * Sets the sequence adjustment of one direction and reads it back in the same transaction: the kernel reports
   * success even if the entry cannot hold an adjustment (nf_conntrack_netlink.c `ctnetlink_change_seq_adj`).
   */
  adjustSequence(
    tuple: Tuple,
    direction: 'original' | 'reply',
    adjustment: SequenceAdjustment,
    zone = 0,
  ): AdjustmentOutcome {
    const operation = 'adjust sequence numbers';
    const change =
      direction === 'original' ? { sequenceAdjustOriginal: adjustment } : { sequenceAdjustReply: adjustment };
    writeConntrack(this.#request(CTNETLINK_MESSAGES.new, tuple), { original: tuple, zone, ...change });
    writeConntrack(this.#request(CTNETLINK_MESSAGES.get, tuple), { original: tuple, zone });
    const [set, got] = this.#socket.transact(operation);
    if (set === undefined || got === undefined) throw malformed(operation, 'no answer');
    if (!wasThere(operation, set) || !wasThere(operation, got)) return 'gone';
    const { status, sequenceAdjustOriginal, sequenceAdjustReply } = entryOf(operation, got);
    const inForce = direction === 'original' ? sequenceAdjustOriginal : sequenceAdjustReply;
    const holds = (status & CONNTRACK_STATUS.sequenceAdjust) !== 0;
    return holds && inForce !== undefined && sameAdjustment(inForce, adjustment) ? 'adjusted' : 'no-room';
  }

  /** Deletes the connection and, with it, its expectations. Returns false if there is no entry. */
  remove(tuple: Tuple, zone = 0): boolean {
    const operation = 'forget a connection';
    writeConntrack(this.#request(CTNETLINK_MESSAGES.delete, tuple), { original: tuple, zone });
    const [answer] = this.#socket.transact(operation);
    return answer !== undefined && wasThere(operation, answer);
  }

  #request(message: number, tuple: Tuple): NetlinkWriter {
    return this.#socket.request(SUBSYSTEMS.conntrack, message, 0, addressFamily(ipFamily(tuple.source)));
  }
}

const sameAdjustment = (one: SequenceAdjustment, other: SequenceAdjustment): boolean =>
  one.position === other.position &&
  one.offsetBefore === other.offsetBefore &&
  one.offsetAfter === other.offsetAfter;

function wasThere(operation: string, answer: NetlinkAnswer): boolean {
  if (answer.errno === 0) return true;
  if (answer.errno === ERRNO.ENOENT) return false;
  throw rejected(operation, answer);
}

function entryOf(operation: string, answer: NetlinkAnswer): ConntrackEntry {
  const [reply] = answer.replies;
  if (reply === undefined) throw malformed(operation, 'entry missing');
  const parsed = readConntrack(reply.bytes, reply.payloadAt, reply.end);
  if (!parsed.ok) throw malformed(operation, parsed.fault);
  return parsed.value;
}
