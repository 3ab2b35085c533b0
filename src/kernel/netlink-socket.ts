/**
 * Sends requests to netfilter over one long-lived socket with preallocated buffers. Write one or more requests with
 * `request()`, then send them together with `transact()`. The kernel executes them in order; a failed request does
 * not stop the others, and all answers are available when `transact()` returns.
 *
 * A failure before the kernel reads a request (socket, sendmsg) is a `SystemCallError`. A refusal by the kernel is
 * the errno of its answer, or a `NetlinkRejected` from `execute()`. A missing answer, or one that breaks the
 * netlink format, is a `NetlinkMalformed`.
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

/** One entry takes less than 1 KiB; this holds the answers to many requests, or a short dump. */
const RESPONSE_BYTES = 64 * 1024;

/** A message from the kernel. */
export interface NetlinkReply {
  /** `nlmsg_type`. */
  readonly type: number;
  /** Borrowed until the next transaction. The payload, starting with `nfgenmsg`, is in `[payloadAt, end)`. */
  readonly bytes: Buffer;
  readonly payloadAt: number;
  readonly end: number;
}

/** The kernel's answer to one request. */
export interface NetlinkAnswer {
  /** 0, or the positive errno of the refusal. */
  readonly errno: number;
  /** The kernel's extended acknowledgement text, if it sent one. */
  readonly explanation: string | undefined;
  readonly replies: readonly NetlinkReply[];
}

interface PendingAnswer {
  errno: number | undefined;
  explanation: string | undefined;
  readonly replies: NetlinkReply[];
}

/** One transaction at a time: each is written, sent and answered before the next one begins. */
export class NetlinkSocket {
  readonly #native: NativeRequestSocket;
  readonly #writer = new NetlinkWriter();
  readonly #response = Buffer.alloc(RESPONSE_BYTES);
  /** Sequence number of the first request in the transaction being written, and the number of requests in it. */
  #first: number;
  #count = 0;

  constructor(native: NativeRequestSocket, firstSequence = 1) {
    this.#native = native;
    this.#first = firstSequence;
  }

  /**
   * Opens a NETLINK_NETFILTER socket. Throws `SystemCallError`; EPROTONOSUPPORT means that the kernel has no such
   * sockets.
   */
  static open(binding: Pick<NativeBinding, 'RequestSocket'>): NetlinkSocket {
    return new NetlinkSocket(callNative(() => new binding.RequestSocket()));
  }

  /** The netlink port id that the kernel assigned to the socket. */
  get portId(): number {
    return this.#native.portId;
  }

  /** Begins another request of the next transaction; the caller writes its attributes. */
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

  /** Sends the requests written since the last transaction. Returns one answer per request, in order. */
  transact(operation: string): readonly NetlinkAnswer[] {
    const first = this.#first;
    const pending = Array.from({ length: this.#count }, newPendingAnswer);
    const request = this.#writer.written;
    // Reset first, so that after a failure the next transaction starts clean and ignores late answers.
    this.#writer.clear();
    this.#first = (first + this.#count) >>> 0;
    this.#count = 0;
    const length = callNative(() => this.#native.transact(request, this.#response));
    this.#sort(operation, first, pending, length);
    sharePermissionError(pending);
    return pending.map((answer) => completed(operation, answer));
  }

  /** Like `transact`, but throws `NetlinkRejected` for the first refused request. */
  execute(operation: string): readonly NetlinkAnswer[] {
    const answers = this.transact(operation);
    for (const answer of answers) {
      if (answer.errno !== 0) throw rejected(operation, answer);
    }
    return answers;
  }

  /** Idempotent. Later transactions fail with `SystemCallError`. */
  close(): void {
    this.#native.close();
  }

  /** Assigns each message of the response to its request; messages for earlier requests are skipped. */
  #sort(operation: string, first: number, pending: readonly PendingAnswer[], length: number): void {
    const message = new MessageReader(this.#response, 0, length);
    while (message.next()) {
      const answer = pending[(message.sequence - first) >>> 0];
      if (answer !== undefined) take(operation, answer, message);
    }
    if (message.fault !== undefined) throw malformed(operation, message.fault);
  }
}

/** Converts a refused answer into an error to throw. */
export const rejected = (operation: string, answer: NetlinkAnswer): NetlinkRejected =>
  new NetlinkRejected(operation, answer.errno, errnoName(answer.errno), answer.explanation);

/** The error for an answer that breaks the netlink format. */
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
 * If the process lacks permission, the kernel answers only the first request of a datagram and stops reading
 * (nfnetlink.c `nfnetlink_rcv`). The other requests get the same errno here.
 */
function sharePermissionError(pending: readonly PendingAnswer[]): void {
  if (pending[0]?.errno !== ERRNO.EPERM) return;
  for (const answer of pending) answer.errno ??= ERRNO.EPERM;
}

function completed(operation: string, answer: PendingAnswer): NetlinkAnswer {
  const { errno, explanation, replies } = answer;
  if (errno === undefined) throw malformed(operation, 'acknowledgement missing');
  return { errno, explanation, replies };
}
