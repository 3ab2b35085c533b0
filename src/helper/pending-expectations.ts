/**
 * The unused expectations of each client: all clients share conntrack's expectation table, and a client that announces on
 * many connections at once must not fill it. Conntrack reports the end of an expectation; if the event was lost, the
 * expectation ends with its lifetime.
 *
 * @module
 */
import { addressKey, type IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';
import { clientKey } from './client-limit.js';

interface Pending {
  readonly tuple: Tuple;
  /** Seconds since 1970. */
  readonly until: number;
}

export class PendingExpectations {
  readonly #mostPerClient: number;
  /** The expectations of each client by name, oldest first. */
  readonly #clients = new Map<string, Map<string, Pending>>();
  /** The client of each expectation, by name. */
  readonly #owners = new Map<string, string>();

  constructor(mostPerClient: number) {
    this.#mostPerClient = mostPerClient;
  }

  /** Expectations of all clients. */
  get size(): number {
    return this.#owners.size;
  }

  /** Whether `client` may have another expectation. */
  admits(client: IpAddress): boolean {
    return (this.#clients.get(clientKey(client))?.size ?? 0) < this.#mostPerClient;
  }

  /** Returns the oldest expectation of `client`: conntrack's report of its end may have been lost. */
  oldest(client: IpAddress): Tuple | undefined {
    const [first] = this.#clients.get(clientKey(client))?.values() ?? [];
    return first?.tuple;
  }

  /** An expectation of `client` was made or refreshed. */
  opened(tuple: Tuple, client: IpAddress, until: number): void {
    if (this.#mostPerClient === Infinity) return;
    const name = nameOf(tuple);
    this.#forget(name);
    const key = clientKey(client);
    const own = this.#clients.get(key) ?? new Map<string, Pending>();
    this.#clients.set(key, own.set(name, { tuple, until }));
    this.#owners.set(name, key);
  }

  /** The expectation was used, has expired or was removed; ignored if it is unknown. */
  ended(tuple: Tuple): void {
    this.#forget(nameOf(tuple));
  }

  /** Forgets the expectations that must have ended before `now`. */
  expire(now: number): void {
    const all = [...this.#clients.values()].flatMap((own) => [...own.values()]);
    for (const { tuple, until } of all) if (until <= now) this.ended(tuple);
  }

  #forget(name: string): void {
    const key = this.#owners.get(name);
    if (key === undefined) return;
    this.#owners.delete(name);
    const own = this.#clients.get(key);
    own?.delete(name);
    if (own?.size === 0) this.#clients.delete(key);
  }
}

/** The key of a tuple; its length differs by address family. */
const nameOf = ({ source, destination, sourcePort, destinationPort }: Tuple): string =>
  addressKey(source) + addressKey(destination) + String.fromCharCode(sourcePort, destinationPort);
