/**
 * Public addresses of servers behind NAT of another host, such as the 1:1 NAT of a cloud. This host cannot find them
 * out, so they are configured (vsftpd's `pasv_address` is the same).
 *
 * @module
 */
import { IPV4_LENGTH, sameIpAddress, type IpAddress } from '../../wire/ip-address.js';

/** Clients know `private` as `public`; without `private`, any address that is not routed in the Internet. */
export interface PublicAddress {
  readonly public: IpAddress;
  readonly private: IpAddress | undefined;
}

export class PublicAddresses {
  readonly #pairs: readonly PublicAddress[];

  constructor(pairs: readonly PublicAddress[]) {
    this.#pairs = pairs;
  }

  /** Returns what clients call the address by which a connection reaches this host; `undefined` if they use this address. */
  of(address: IpAddress): IpAddress | undefined {
    const named = this.#pairs.find(
      (pair) => pair.private !== undefined && sameIpAddress(pair.private, address),
    );
    if (named !== undefined || !isPrivateUse(address)) return named?.public;
    return this.#pairs.find((pair) => pair.private === undefined)?.public;
  }
}

/** RFC 1918, and RFC 6598 for carrier-grade NAT. */
function isPrivateUse([first = 0, second = 0, ...rest]: IpAddress): boolean {
  if (rest.length !== IPV4_LENGTH - 2) return false;
  if (first === 10) return true;
  if (first === 172) return second >= 16 && second < 32;
  if (first === 192) return second === 168;
  return first === 100 && second >= 64 && second < 128;
}
