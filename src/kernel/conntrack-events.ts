/**
 * Decodes conntrack events: connections that ended, expectations that were created or ended. The kernel sends
 * events for connections that began while somebody listened (sysctl net.netfilter.nf_conntrack_events=2), or for
 * all connections (1). Events lost for lack of buffer space are counted and not repeated; the table has the current
 * state.
 *
 * @module
 */
import type { ConntrackFtpError } from '../errors.js';
import { peekConnectionPort, readConntrack, type ConntrackEntry } from '../wire/conntrack.js';
import { readExpectation, type Expectation } from '../wire/expectation.js';
import { MessageReader } from '../wire/netlink.js';
import { CTNETLINK_MESSAGES, messageType, MULTICAST_GROUPS, SUBSYSTEMS } from '../wire/nfnetlink.js';
import type { NativeBinding, NativeEventSocket } from './binding.js';
import { callNative, systemCallError } from './native-error.js';

/** The kernel sends the same event whether an expectation was used, expired or was deleted. */
export type ConntrackEvent =
  | { readonly kind: 'connection-ended'; readonly connection: ConntrackEntry }
  | { readonly kind: 'expectation-made'; readonly expectation: Expectation }
  | { readonly kind: 'expectation-ended'; readonly expectation: Expectation };

/** Which events to receive, and the callbacks for them. */
export interface ConntrackEventsOptions {
  /** Receive only the ends of expectations, or also their creation. */
  readonly expectations?: 'ended' | 'made and ended';
  /** Report only the ends of TCP connections to these ports; `undefined`: of all connections. */
  readonly ports?: readonly number[];
  /** SO_RCVBUFFORCE, bytes. */
  readonly receiveBufferBytes: number;
  readonly onEvent: (event: ConntrackEvent) => void;
  /** The socket failed permanently; no further events follow. */
  readonly onError: (error: ConntrackFtpError) => void;
}

const CONNECTION_ENDED = messageType(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.delete);
const EXPECTATION_MADE = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.new);
const EXPECTATION_ENDED = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.delete);

/** A subscription, open from construction until `close`. */
export class ConntrackEvents {
  readonly #native: NativeEventSocket;
  readonly #bytes: Buffer;
  readonly #ports: ReadonlySet<number> | undefined;
  readonly #onEvent: (event: ConntrackEvent) => void;
  #malformed = 0;
  #closed = false;

  /** Throws `SystemCallError` if the socket cannot be opened. */
  constructor(binding: Pick<NativeBinding, 'EventSocket'>, options: ConntrackEventsOptions) {
    this.#onEvent = options.onEvent;
    this.#ports = options.ports === undefined ? undefined : new Set(options.ports);
    const groups: number[] = [MULTICAST_GROUPS.conntrackDestroy];
    if (options.expectations === 'made and ended') groups.push(MULTICAST_GROUPS.expectationNew);
    if (options.expectations !== undefined) groups.push(MULTICAST_GROUPS.expectationDestroy);
    this.#native = callNative(
      () =>
        new binding.EventSocket(
          groups,
          options.receiveBufferBytes,
          (length) => {
            this.#read(length);
          },
          (error) => {
            options.onError(systemCallError(error));
          },
        ),
    );
    this.#bytes = Buffer.from(this.#native.slab);
  }

  /** Number of times that events were lost because the receive buffer was full. */
  get overruns(): number {
    return this.#native.overruns;
  }

  /** Number of messages that could not be parsed. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Idempotent. No event is delivered after it, not even from the current batch. */
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  #read(length: number): void {
    const message = new MessageReader(this.#bytes, 0, length);
    while (!this.#closed && message.next()) {
      if (!this.#wanted(message)) continue;
      const event = decodeConntrackEvent(message);
      if (event === 'malformed') this.#malformed += 1;
      else if (event !== 'other') this.#onEvent(event);
    }
    if (message.fault !== undefined) this.#malformed += 1;
  }

  /** On a gateway most ended connections are not FTP; skipping them before decoding is cheap. */
  #wanted({ type, bytes, payloadAt, end }: MessageReader): boolean {
    if (this.#ports === undefined || type !== CONNECTION_ENDED) return true;
    return this.#ports.has(peekConnectionPort(bytes, payloadAt, end));
  }
}

/** Decodes the current message; returns `other` for message types that are not used here. */
function decodeConntrackEvent(message: MessageReader): ConntrackEvent | 'malformed' | 'other' {
  const { type, bytes, payloadAt, end } = message;
  if (type === CONNECTION_ENDED) {
    const connection = readConntrack(bytes, payloadAt, end);
    return connection.ok ? { kind: 'connection-ended', connection: connection.value } : 'malformed';
  }
  if (type !== EXPECTATION_MADE && type !== EXPECTATION_ENDED) return 'other';
  const expectation = readExpectation(bytes, payloadAt, end);
  if (!expectation.ok) return 'malformed';
  const kind = type === EXPECTATION_MADE ? 'expectation-made' : 'expectation-ended';
  return { kind, expectation: expectation.value };
}
