/**
 * Addresses under which the world knows servers, where a translator that is not this host stands between them: the 1:1
 * translation of a cloud. Nothing on this host tells them, so they are configured (vsftpd calls the same `pasv_address`).
 *
 * @module
 */
import { sameIpAddress, type IpAddress } from '../wire/ip-address.js';

/** Clients know `private` as `public`; without `private` that holds for every address of the family. */
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
    const pair = named ?? this.#pairs.find((each) => each.private === undefined);
    return pair?.public.length === address.length ? pair.public : undefined;
  }
}
