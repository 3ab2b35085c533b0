/** Tuples for tests, as objects and as packets. */
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import type { Tuple } from '../../src/wire/tuple.js';

const POISON = 0xa5;

export function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export const tuple = (
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): Tuple => ({
  source: address(source),
  sourcePort,
  destination: address(destination),
  destinationPort,
});

const SERVER = address('192.0.2.1');
/** The n-th client of one server; `n` below 2^32. */
export function nthTuple(n: number): Tuple {
  const source = new Uint8Array(4);
  new DataView(source.buffer).setUint32(0, (0x0a000000 + Math.floor(n / 50_000)) >>> 0);
  return {
    source,
    sourcePort: 10_000 + (n % 50_000),
    destination: SERVER,
    destinationPort: 21,
  };
}

/** Finds a tuple by the bytes of a packet: a flow table. */
export interface PacketFinder {
  find(
    family: 4 | 6,
    bytes: Buffer,
    sourceAt: number,
    destinationAt: number,
    sourcePort: number,
    destinationPort: number,
  ): number;
}

const packet = Buffer.alloc(48, POISON);

/** Looks up a tuple as for a packet, from addresses in a buffer that is overwritten afterwards. */
export function findInPacket(table: PacketFinder, { source, destination, ...ports }: Tuple): number {
  const sourceAt = 3;
  const destinationAt = sourceAt + source.length + 5;
  packet.set(source, sourceAt);
  packet.set(destination, destinationAt);
  const family = source.length === 4 ? 4 : 6;
  const half = table.find(family, packet, sourceAt, destinationAt, ports.sourcePort, ports.destinationPort);
  packet.fill(POISON);
  return half;
}
