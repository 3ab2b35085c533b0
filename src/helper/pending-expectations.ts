/**
 * The pinholes that are open and not used yet, by client: conntrack's table of expectations is one for all, and a client
 * that announces on many connections at once must not fill it. What ends is told by conntrack; where an event was lost,
 * the pinhole's lifetime tells.
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
  /** Of each client by their names, the one opened longest ago first. */
  readonly #clients = new Map<string, Map<string, Pending>>();
  /** By name, whose it is. */
  readonly #owners = new Map<string, string>();

  constructor(mostPerClient: number) {
    this.#mostPerClient = mostPerClient;
  }

  /** Of all clients. */
  get size(): number {
    return this.#owners.size;
  }

  /** Whether `client` may have another one. */
  admits(client: IpAddress): boolean {
    return (this.#clients.get(clientKey(client))?.size ?? 0) < this.#mostPerClient;
  }

  /** The one of `client` that was opened longest ago: conntrack's word that it has ended may be lost. */
  oldest(client: IpAddress): Tuple | undefined {
    const [first] = this.#clients.get(clientKey(client))?.values() ?? [];
    return first?.tuple;
  }

  /** Opened for `client`, or open and begun anew. */
  opened(tuple: Tuple, client: IpAddress, until: number): void {
    if (this.#mostPerClient === Infinity) return;
    const name = nameOf(tuple);
    this.#forget(name);
    const key = clientKey(client);
    const own = this.#clients.get(key) ?? new Map<string, Pending>();
    this.#clients.set(key, own.set(name, { tuple, until }));
    this.#owners.set(name, key);
  }

  /** Used, expired or closed; nothing happens where it is not known. */
  ended(tuple: Tuple): void {
    this.#forget(nameOf(tuple));
  }

  /** Drops what must have ended before `now`. */
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

/** Tells tuples apart; the length tells the families. */
const nameOf = ({ source, destination, sourcePort, destinationPort }: Tuple): string =>
  addressKey(source) + addressKey(destination) + String.fromCharCode(sourcePort, destinationPort);
