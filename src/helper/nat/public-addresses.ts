/**
 * Addresses under which the world knows servers, where a translator that is not this host stands between them: the 1:1
 * translation of a cloud. Nothing on this host tells them, so they are configured (vsftpd calls the same `pasv_address`).
 *
 * @module
 */
import { IPV4_LENGTH, sameIpAddress, type IpAddress } from '../../wire/ip-address.js';

/** Clients know `private` as `public`; without `private` that holds for every address that no host in the world has. */
export interface PublicAddress {
  readonly public: IpAddress;
  readonly private: IpAddress | undefined;
}

export class PublicAddresses {
  readonly #pairs: readonly PublicAddress[];

  constructor(pairs: readonly PublicAddress[]) {
    this.#pairs = pairs;
  }

  /** What clients call the address by which a connection reaches this host; `undefined` where they call it so. */
  of(address: IpAddress): IpAddress | undefined {
    const named = this.#pairs.find(
      (pair) => pair.private !== undefined && sameIpAddress(pair.private, address),
    );
    if (named !== undefined || !isPrivateUse(address)) return named?.public;
    return this.#pairs.find((pair) => pair.private === undefined)?.public;
  }
}

/** RFC 1918, and RFC 6598 for what stands between a provider and its customers. */
function isPrivateUse([first = 0, second = 0, ...rest]: IpAddress): boolean {
  if (rest.length !== IPV4_LENGTH - 2) return false;
  if (first === 10) return true;
  if (first === 172) return second >= 16 && second < 32;
  if (first === 192) return second === 168;
  return first === 100 && second >= 64 && second < 128;
}
