/**
 * The tracked connections of each client. Beyond a limit the client's own oldest connection is evicted, so that one
 * client cannot displace all others. A client is an IPv4 address or an IPv6 /64 (RFC 4291 §2.5.4), because the owner of
 * an IPv6 network can use all of its addresses.
 *
 * @module
 */
import { addressKey, ipFamily, type IpAddress } from '../wire/ip-address.js';

const NETWORK_BYTES = { 4: 4, 6: 8 } as const;

/** The part of an address that tells clients apart. */
export const clientKey = (address: IpAddress): string =>
  addressKey(address, NETWORK_BYTES[ipFamily(address)]);

export class ClientLimit {
  readonly #most: number;
  /** The flow of a client that has only one, as most clients do; otherwise all its flows, oldest first. */
  readonly #flows = new Map<string, number | Set<number>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a flow of `client`. Returns another flow of the same client that must be evicted, or `undefined`. */
  admit(flow: number, client: IpAddress): number | undefined {
    const key = clientKey(client);
    const before = this.#flows.get(key);
    if (before === undefined) {
      this.#flows.set(key, flow);
      return undefined;
    }
    const flows = typeof before === 'number' ? new Set([before]) : before;
    this.#flows.set(key, flows.add(flow));
    if (flows.size <= this.#most) return undefined;
    const [first] = flows;
    return first;
  }

  /** A counted flow is no longer tracked. */
  release(flow: number, client: IpAddress): void {
    const key = clientKey(client);
    const flows = this.#flows.get(key);
    if (flows === flow) this.#flows.delete(key);
    else if (flows instanceof Set && flows.delete(flow) && flows.size === 0) this.#flows.delete(key);
  }
}
