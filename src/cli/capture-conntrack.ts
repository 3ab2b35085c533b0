/**
 * Connection tracking for a replay. With `--translate` it acts as a host that does this NAT, and the capture was taken on
 * the clients' side. There, packets from clients are captured before NAT, and packets from servers after it. NAT is
 * undone for the packets from servers, so that the helper reads what it would read on that host.
 *
 * @module
 */
import type { AdjustOutcome, Conntrack, ExpectOutcome } from '../helper/conntrack.js';
import { isTranslated, type TrackedConnection } from '../helper/plan.js';
import { ipAddressAt, IpView } from '../wire/ip.js';
import { sameIpAddress, type IpAddress } from '../wire/ip-address.js';
import { tcpDestinationPort, tcpSourcePort } from '../wire/tcp.js';
import { readTcpPacket } from '../wire/tcp-packet.js';
import { invertTuple, type Tuple } from '../wire/tuple.js';
import type { TranslatedAddress } from './options.js';

/** Accepts every expectation, and adjusts sequence numbers on every connection with NAT. */
export class CaptureConntrack implements Conntrack {
  readonly #addresses: readonly TranslatedAddress[];
  readonly #ports: ReadonlySet<number>;
  readonly #ip = new IpView();
  /** The original tuple of the last packet whose NAT was undone. */
  #original: Tuple | undefined;
  #connections = 0;

  /** @param ports  of FTP servers: the client is the side that uses none of them */
  constructor(addresses: readonly TranslatedAddress[], ports: readonly number[]) {
    this.#addresses = addresses;
    this.#ports = new Set(ports);
  }

  /** Undoes NAT on a packet from a server, in place: restores the addresses that it had on arrival. */
  putBack(bytes: Buffer, start: number, end: number): void {
    this.#original = undefined;
    if (this.#addresses.length === 0 || !readTcpPacket(this.#ip, bytes, start, end)) return;
    const { payloadAt, sourceAt, destinationAt, family } = this.#ip;
    const seen: Tuple = {
      source: ipAddressAt(bytes, sourceAt, family),
      destination: ipAddressAt(bytes, destinationAt, family),
      sourcePort: tcpSourcePort(bytes, payloadAt),
      destinationPort: tcpDestinationPort(bytes, payloadAt),
    };
    if (this.#ports.has(seen.destinationPort) || !this.#ports.has(seen.sourcePort)) return;
    this.#original = invertTuple(seen);
    bytes.set(this.#translated(seen.source), sourceAt);
    bytes.set(this.#translated(seen.destination), destinationAt);
  }

  /** A capture cannot tell a connection from the next one with the same tuples, so each call returns a new id. */
  find(seen: Tuple): TrackedConnection | undefined {
    const original = this.#original ?? this.#originalOf(seen);
    return original && { original, reply: this.#replyOf(original), id: ++this.#connections };
  }

  expect(): ExpectOutcome {
    return 'opened';
  }

  isExpected(): boolean {
    return false;
  }

  cancel(): void {
    // Nothing was expected.
  }

  adjustSequence(original: Tuple): AdjustOutcome {
    return isTranslated({ original, reply: this.#replyOf(original) }) ? 'adjusted' : 'no-room';
  }

  release(): void {
    // Captured packets come from no queue.
  }

  #replyOf(original: Tuple): Tuple {
    return invertTuple({
      ...original,
      source: this.#translated(original.source),
      destination: this.#translated(original.destination),
    });
  }

  #originalOf(seen: Tuple): Tuple | undefined {
    if (this.#ports.has(seen.destinationPort)) return seen;
    return this.#ports.has(seen.sourcePort) ? invertTuple(seen) : undefined;
  }

  #translated(address: IpAddress): IpAddress {
    return this.#addresses.find(({ from }) => sameIpAddress(from, address))?.to ?? address;
  }
}
