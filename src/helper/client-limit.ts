/**
 * How many connections each client has among those that are followed, so that one of them cannot take the places of
 * all others. Whoever has an IPv6 network has all of its addresses: a client is a /64 there (RFC 6177), an address in IPv4.
 *
 * @module
 */
import { ipFamily, type IpAddress } from '../wire/ip-address.js';

const NETWORK_BYTES = { 4: 4, 6: 8 } as const;

/** The part of an address that tells clients apart. */
export const clientKey = (address: IpAddress): string =>
  Buffer.from(address.subarray(0, NETWORK_BYTES[ipFamily(address)])).toString('latin1');

export class ClientLimit {
  readonly #most: number;
  readonly #connections = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts another connection of `client`; answers false, and counts nothing, where it has as many as it may. */
  admit(client: IpAddress): boolean {
    const key = clientKey(client);
    const connections = this.#connections.get(key) ?? 0;
    if (connections >= this.#most) return false;
    this.#connections.set(key, connections + 1);
    return true;
  }

  /** An admitted connection of `client` is not followed any more. */
  release(client: IpAddress): void {
    const key = clientKey(client);
    const connections = this.#connections.get(key) ?? 0;
    if (connections > 1) this.#connections.set(key, connections - 1);
    else this.#connections.delete(key);
  }
}
