/**
 * The pinholes that are open and not used yet, by client: conntrack's table of expectations is one for all, and a client
 * that announces on many connections at once must not fill it. What ends is told by conntrack; where an event was lost,
 * the pinhole's lifetime tells.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';
import { formatTuple, type Tuple } from '../wire/tuple.js';
import { clientKey } from './client-limit.js';

interface Pending {
  readonly client: string;
  /** Seconds since 1970. */
  readonly until: number;
}

export class PendingPinholes {
  readonly #mostPerClient: number;
  /** By tuple, the one opened longest ago first. */
  readonly #pending = new Map<string, Pending>();
  readonly #counts = new Map<string, number>();

  constructor(mostPerClient: number) {
    this.#mostPerClient = mostPerClient;
  }

  /** Of all clients. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether `client` may have another one. */
  admits(client: IpAddress): boolean {
    return (this.#counts.get(clientKey(client)) ?? 0) < this.#mostPerClient;
  }

  /** Opened for `client`, or open and begun anew. */
  opened(tuple: Tuple, client: IpAddress, until: number): void {
    this.ended(tuple);
    const key = clientKey(client);
    this.#pending.set(formatTuple(tuple), { client: key, until });
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Used, expired or closed; nothing happens where it is not known. */
  ended(tuple: Tuple): void {
    this.#drop(formatTuple(tuple));
  }

  /** Drops what must have ended before `now`. */
  expire(now: number): void {
    for (const [name, { until }] of this.#pending) {
      if (until > now) return;
      this.#drop(name);
    }
  }

  #drop(name: string): void {
    const pending = this.#pending.get(name);
    if (pending === undefined) return;
    this.#pending.delete(name);
    const count = (this.#counts.get(pending.client) ?? 0) - 1;
    if (count > 0) this.#counts.set(pending.client, count);
    else this.#counts.delete(pending.client);
  }
}
