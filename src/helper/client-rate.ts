/**
 * Limits the kernel requests that each client may cause per second: an announcement costs the client little and this host much.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';
import { clientKey } from './client-limit.js';

export class ClientRate {
  readonly #perSecond: number;
  /** The current second, and what each client has used of its limit. */
  #second = 0;
  readonly #taken = new Map<string, number>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one request from the limit of `client`. Returns false if none is left for this second. */
  take(client: IpAddress, now: number): boolean {
    const second = Math.floor(now);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken.clear();
    }
    const key = clientKey(client);
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#perSecond) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }
}
