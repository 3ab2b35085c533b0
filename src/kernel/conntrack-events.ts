/**
 * Conntrack's events, decoded: connections that ended, expectations that came and went. The kernel sends
 * them for connections that began while somebody listened (sysctl net.netfilter.nf_conntrack_events=2), or always
 * (1). An event lost for want of buffer space is counted, not repeated: whoever must know asks the table.
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

/** An expectation ends alike when it is met, expires or is taken away: the kernel does not say which. */
export type ConntrackEvent =
  | { readonly kind: 'connection-ended'; readonly connection: ConntrackEntry }
  | { readonly kind: 'expectation-made'; readonly expectation: Expectation }
  | { readonly kind: 'expectation-ended'; readonly expectation: Expectation };

/** What to listen to, and who is told. */
export interface ConntrackEventsOptions {
  /** Whether the ends of expectations are told, or their beginnings too. */
  readonly expectations?: 'ended' | 'made and ended';
  /** Only the ends of TCP connections that were made to these ports are told; of all connections where absent. */
  readonly ports?: readonly number[];
  /** SO_RCVBUFFORCE, bytes. */
  readonly receiveBufferBytes: number;
  readonly onEvent: (event: ConntrackEvent) => void;
  /** The socket failed for good; no event comes after it. */
  readonly onError: (error: ConntrackFtpError) => void;
}

const CONNECTION_ENDED = messageType(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.delete);
const EXPECTATION_MADE = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.new);
const EXPECTATION_ENDED = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.delete);

/** A subscription. Open from its construction until `close`. */
export class ConntrackEvents {
  readonly #native: NativeEventSocket;
  readonly #bytes: Buffer;
  readonly #ports: ReadonlySet<number> | undefined;
  readonly #onEvent: (event: ConntrackEvent) => void;
  #malformed = 0;
  #closed = false;

  /** Throws `SystemCallError` where the socket cannot be had. */
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

  /** How often events were lost because the receive buffer was full. */
  get overruns(): number {
    return this.#native.overruns;
  }

  /** Messages that could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Idempotent. No event comes after it, not even from the batch under way. */
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

  /** A gateway ends many connections that are none of ours: they are passed over without being decoded. */
  #wanted({ type, bytes, payloadAt, end }: MessageReader): boolean {
    if (this.#ports === undefined || type !== CONNECTION_ENDED) return true;
    return this.#ports.has(peekConnectionPort(bytes, payloadAt, end));
  }
}

/** The event that `message` stands on; `other` for kinds of messages that are none of ours. */
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
