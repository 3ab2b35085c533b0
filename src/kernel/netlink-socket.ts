/**
 * Requests to netfilter over one socket that stays open, with buffers that stay allocated. Write one or more
 * requests with `request()`, then send them together with `transact()`: the kernel carries them out in order,
 * one failing does not stop the others, and all answers are there when it returns.
 *
 * What fails before the kernel looked at a request (socket, sendmsg) is a `SystemCallError`; what the kernel refused
 * is an errno of its answer, or a `NetlinkRejected` from `execute()`; an answer that breaks netlink's own format, or
 * is not there, is a `NetlinkMalformed`.
 *
 * @module
 */
import { NetlinkMalformed, NetlinkRejected } from '../errors.js';
import { CONTROL_TYPES, MessageReader, readAcknowledgement } from '../wire/netlink.js';
import { NetlinkWriter } from '../wire/netlink-writer.js';
import { beginRequest, type Subsystem } from '../wire/nfnetlink.js';
import type { NativeBinding, NativeRequestSocket } from './binding.js';
import { ERRNO, errnoName } from './errno.js';
import { callNative } from './native-error.js';

/** One entry is under 1 KiB; this holds the answers of a transaction of many requests, and a short dump. */
const RESPONSE_BYTES = 64 * 1024;

/** A message the kernel sent back. */
export interface NetlinkReply {
  /** `nlmsg_type`. */
  readonly type: number;
  /** Borrowed until the next transaction. The payload, `nfgenmsg` first, is in `[payloadAt, end)`. */
  readonly bytes: Buffer;
  readonly payloadAt: number;
  readonly end: number;
}

/** What the kernel said to one request. */
export interface NetlinkAnswer {
  /** 0, or the errno, positive, that the request was refused with. */
  readonly errno: number;
  /** The kernel's own words about it (extended acknowledgement), where it had any. */
  readonly explanation: string | undefined;
  readonly replies: readonly NetlinkReply[];
}

interface PendingAnswer {
  errno: number | undefined;
  explanation: string | undefined;
  readonly replies: NetlinkReply[];
}

/** One transaction at a time: it is written, sent and answered before the next one begins. */
export class NetlinkSocket {
  readonly #native: NativeRequestSocket;
  readonly #writer = new NetlinkWriter();
  readonly #response = Buffer.alloc(RESPONSE_BYTES);
  /** Sequence number of the first request of the transaction being written, and how many there are. */
  #first: number;
  #count = 0;

  constructor(native: NativeRequestSocket, firstSequence = 1) {
    this.#native = native;
    this.#first = firstSequence;
  }

  /** Opens a NETLINK_NETFILTER socket. Throws `SystemCallError`, EPROTONOSUPPORT where the kernel has none. */
  static open(binding: Pick<NativeBinding, 'RequestSocket'>): NetlinkSocket {
    return new NetlinkSocket(callNative(() => new binding.RequestSocket()));
  }

  /** The netlink port id that the kernel gave the socket. */
  get portId(): number {
    return this.#native.portId;
  }

  /** Begins one more request of the next transaction; the attributes are the caller's to write. */
  request(
    subsystem: Subsystem,
    message: number,
    flags: number,
    family: number,
    resourceId = 0,
  ): NetlinkWriter {
    const sequence = (this.#first + this.#count) >>> 0;
    beginRequest(this.#writer, subsystem, message, flags, sequence, family, resourceId);
    this.#count += 1;
    return this.#writer;
  }

  /** Sends the requests written since the last transaction; one answer for each, in order. */
  transact(operation: string): readonly NetlinkAnswer[] {
    const first = this.#first;
    const pending = Array.from({ length: this.#count }, newPendingAnswer);
    const request = this.#writer.written;
    // Whatever becomes of these, the next transaction starts afresh and takes no late answer for its own.
    this.#writer.clear();
    this.#first = (first + this.#count) >>> 0;
    this.#count = 0;
    const length = callNative(() => this.#native.transact(request, this.#response));
    this.#sort(operation, first, pending, length);
    shareRefusal(pending);
    return pending.map((answer) => settled(operation, answer));
  }

  /** As `transact`, and throws `NetlinkRejected` for the first request that was refused. */
  execute(operation: string): readonly NetlinkAnswer[] {
    const answers = this.transact(operation);
    for (const answer of answers) {
      if (answer.errno !== 0) throw rejected(operation, answer);
    }
    return answers;
  }

  /** Idempotent. A transaction after it fails with `SystemCallError`. */
  close(): void {
    this.#native.close();
  }

  /** Gives each message of the response to the request it answers; messages of earlier requests are passed over. */
  #sort(operation: string, first: number, pending: readonly PendingAnswer[], length: number): void {
    const message = new MessageReader(this.#response, 0, length);
    while (message.next()) {
      const answer = pending[(message.sequence - first) >>> 0];
      if (answer !== undefined) take(operation, answer, message);
    }
    if (message.fault !== undefined) throw malformed(operation, message.fault);
  }
}

/** The refusal of `answer` as an error to throw. */
export const rejected = (operation: string, answer: NetlinkAnswer): NetlinkRejected =>
  new NetlinkRejected(operation, answer.errno, errnoName(answer.errno), answer.explanation);

/** The kernel's answer breaks the format: which operation's, and how. */
export const malformed = (operation: string, fault: string): NetlinkMalformed =>
  new NetlinkMalformed(`${operation}: the kernel's answer cannot be read (${fault})`);

const newPendingAnswer = (): PendingAnswer => ({ errno: undefined, explanation: undefined, replies: [] });

function take(operation: string, answer: PendingAnswer, message: MessageReader): void {
  const { type, bytes, payloadAt, end } = message;
  if (type !== CONTROL_TYPES.error && type !== CONTROL_TYPES.done) {
    answer.replies.push({ type, bytes, payloadAt, end });
    return;
  }
  const acknowledgement = readAcknowledgement(message);
  if (typeof acknowledgement === 'string') throw malformed(operation, acknowledgement);
  answer.errno ??= acknowledgement.errno;
  answer.explanation ??= acknowledgement.explanation;
}

/**
 * To a process without permission the kernel answers only the first request of a datagram, and reads no further
 * (nfnetlink.c `nfnetlink_rcv`).
 */
function shareRefusal(pending: readonly PendingAnswer[]): void {
  if (pending[0]?.errno !== ERRNO.EPERM) return;
  for (const answer of pending) answer.errno ??= ERRNO.EPERM;
}

function settled(operation: string, answer: PendingAnswer): NetlinkAnswer {
  const { errno, explanation, replies } = answer;
  if (errno === undefined) throw malformed(operation, 'acknowledgement missing');
  return { errno, explanation, replies };
}
