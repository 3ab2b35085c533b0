/**
 * `CTA_TUPLE_*` nests (linux/netfilter/nfnetlink_conntrack.h): addresses, transport protocol and ports. The
 * ports of a protocol without ports (ICMP) read as 0.
 *
 * @module
 */
import { IP_PROTOCOL_TCP } from './ip.js';
import { IPV4_LENGTH, IPV6_LENGTH, ipFamily, type IpAddress } from './ip-address.js';
import { attributeEnd, findAttribute, type AttributeReader } from './netlink-attribute.js';
import type { NetlinkWriter } from './netlink-writer.js';
import type { Tuple } from './tuple.js';

/** `enum ctattr_tuple`, `ctattr_ip`, `ctattr_l4proto`. */
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;

/** A tuple and what conntrack says beside it. */
export interface DecodedTuple {
  readonly tuple: Tuple;
  /** IPPROTO_*. */
  readonly protocol: number;
}

/** Writes the tuple as the nest `type`. */
export function writeTuple(
  writer: NetlinkWriter,
  type: number,
  tuple: Tuple,
  protocol = IP_PROTOCOL_TCP,
): void {
  const nest = writer.openNest(type);
  const ipv4 = ipFamily(tuple.source) === 4;
  const addresses = writer.openNest(CTA_TUPLE_IP);
  writer.bytes(ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, tuple.source);
  writer.bytes(ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, tuple.destination);
  writer.closeNest(addresses);
  const transport = writer.openNest(CTA_TUPLE_PROTO);
  writer.uint8(CTA_PROTO_NUM, protocol);
  writer.uint16(CTA_PROTO_SRC_PORT, tuple.sourcePort);
  writer.uint16(CTA_PROTO_DST_PORT, tuple.destinationPort);
  writer.closeNest(transport);
  writer.closeNest(nest);
}

/** Reads the tuple nest at the current position of `attributes`. On a fault, returns an empty tuple. */
export function readTuple(attributes: AttributeReader): DecodedTuple {
  let addresses: Addresses | undefined;
  let transport: Transport = { protocol: 0, sourcePort: 0, destinationPort: 0 };
  const nest = attributes.nested();
  while (nest.next()) {
    if (nest.type === CTA_TUPLE_IP) addresses = readAddresses(nest.nested());
    else if (nest.type === CTA_TUPLE_PROTO) transport = readTransport(nest.nested());
  }
  if (addresses === undefined) nest.fail('attribute-missing');
  const { source, destination } = addresses ?? NO_ADDRESSES;
  const { protocol, sourcePort, destinationPort } = transport;
  return { tuple: { source, destination, sourcePort, destinationPort }, protocol };
}

/**
 * Returns the destination port of the TCP tuple nest whose value begins at `valueAt`, or -1 if it has none.
 * Allocates no tuple: most events are irrelevant.
 */
export function peekTcpDestinationPort(bytes: Buffer, valueAt: number): number {
  const transportAt = findAttribute(bytes, valueAt, attributeEnd(bytes, valueAt), CTA_TUPLE_PROTO);
  if (transportAt === -1) return -1;
  const end = attributeEnd(bytes, transportAt);
  const protocolAt = findAttribute(bytes, transportAt, end, CTA_PROTO_NUM);
  const portAt = findAttribute(bytes, transportAt, end, CTA_PROTO_DST_PORT);
  if (protocolAt === -1 || portAt === -1) return -1;
  const whole =
    attributeEnd(bytes, protocolAt) - protocolAt === 1 && attributeEnd(bytes, portAt) - portAt === 2;
  return whole && bytes.readUInt8(protocolAt) === IP_PROTOCOL_TCP ? bytes.readUInt16BE(portAt) : -1;
}

interface Addresses {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}
const NO_ADDRESSES: Addresses = { source: new Uint8Array(), destination: new Uint8Array() };

function readAddresses(attributes: AttributeReader): Addresses {
  let source: IpAddress | undefined;
  let destination: IpAddress | undefined;
  while (attributes.next()) {
    switch (attributes.type) {
      case CTA_IP_V4_SRC:
        source = attributes.bytes(IPV4_LENGTH);
        break;
      case CTA_IP_V4_DST:
        destination = attributes.bytes(IPV4_LENGTH);
        break;
      case CTA_IP_V6_SRC:
        source = attributes.bytes(IPV6_LENGTH);
        break;
      case CTA_IP_V6_DST:
        destination = attributes.bytes(IPV6_LENGTH);
        break;
    }
  }
  if (source === undefined || destination === undefined) {
    attributes.fail('attribute-missing');
    return NO_ADDRESSES;
  }
  if (source.length !== destination.length) attributes.fail('address-families-differ');
  return { source, destination };
}

interface Transport {
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

function readTransport(attributes: AttributeReader): Transport {
  let protocol = 0;
  let sourcePort = 0;
  let destinationPort = 0;
  while (attributes.next()) {
    if (attributes.type === CTA_PROTO_NUM) protocol = attributes.uint8();
    else if (attributes.type === CTA_PROTO_SRC_PORT) sourcePort = attributes.uint16();
    else if (attributes.type === CTA_PROTO_DST_PORT) destinationPort = attributes.uint16();
  }
  return { protocol, sourcePort, destinationPort };
}
