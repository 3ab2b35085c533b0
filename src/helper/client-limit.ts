/**
 * Which connections each client has among those that are followed, so that one of them cannot take the places of
 * all others: beyond so many, its own make room. Whoever has an IPv6 network has all of its addresses: a client is a /64 there (RFC 4291 §2.5.4), an address in IPv4.
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
  /** The flow of each client that has one, which most have; or all of them, the one counted first in front. */
  readonly #flows = new Map<string, number | Set<number>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a flow of `client`; answers another one of the same client that has to make room, or `undefined`. */
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

  /** A flow that was counted is not followed any more. */
  release(flow: number, client: IpAddress): void {
    const key = clientKey(client);
    const flows = this.#flows.get(key);
    if (flows === flow) this.#flows.delete(key);
    else if (flows instanceof Set && flows.delete(flow) && flows.size === 0) this.#flows.delete(key);
  }
}
