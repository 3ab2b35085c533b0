/**
 * How often a second each client may have us ask the kernel for something: an announcement costs it little and us much.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';
import { clientKey } from './client-limit.js';

export class ClientRate {
  readonly #perSecond: number;
  /** The second that is under way, and what each client has had of it. */
  #second = 0;
  readonly #taken = new Map<string, number>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one of what `client` may have; answers false where nothing is left for this second. */
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
