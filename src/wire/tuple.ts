/**
 * One direction of a TCP connection, as conntrack identifies it (`CTA_TUPLE_*`,
 * linux/netfilter/nfnetlink_conntrack.h).
 *
 * @module
 */
import { formatEndpoint, formatIpAddress, sameIpAddress, type IpAddress } from './ip-address.js';

export interface Tuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Returns the other direction of a connection without NAT. */
export function invertTuple(tuple: Tuple): Tuple {
  return {
    source: tuple.destination,
    destination: tuple.source,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
  };
}

export function sameTuple(one: Tuple, other: Tuple): boolean {
  return (
    one.sourcePort === other.sourcePort &&
    one.destinationPort === other.destinationPort &&
    sameIpAddress(one.source, other.source) &&
    sameIpAddress(one.destination, other.destination)
  );
}

/** `10.1.0.2:39758 > 10.2.0.2:21`, for logs. */
export function formatTuple(tuple: Tuple): string {
  return `${endpoint(tuple.source, tuple.sourcePort)} > ${endpoint(tuple.destination, tuple.destinationPort)}`;
}

const endpoint = (address: IpAddress, port: number): string => formatEndpoint(formatIpAddress(address), port);
