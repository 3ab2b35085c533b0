/**
 * Finds the IP packet inside a captured frame. Skips the link-layer header of the capture's link type
 * (LINKTYPE_*, draft-ietf-opsawg-pcaplinktype), VLAN tags and PPPoE included. Does not check the IP packet
 * itself; `IpView` does.
 *
 * @module
 */

/** The supported link types, by LINKTYPE_* number. */
export const LINK_TYPES = {
  /** LINKTYPE_NULL: BSD loopback, address family in the byte order of the capturing machine. */
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** DLT_RAW, which some systems wrote into files instead of LINKTYPE_RAW; 14 is OpenBSD's. */
  rawOther: 12,
  rawOpenBsd: 14,
  pppHdlc: 50,
  raw: 101,
  /** LINKTYPE_LOOP: like NULL, but in network byte order. */
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;

export type LinkFault = 'link-type-unsupported' | 'link-header-truncated' | 'vlan-tags-too-many' | 'not-ip';

/** 802.1ad stacks two tags; provider equipment sometimes adds one or two more. */
export const VLAN_TAGS_MAX = 4;

const ETHERNET_TYPE = 12; // u16, after two MAC addresses
const ETHERNET_HEADER_LENGTH = 14;
const SLL_PROTOCOL = 14; // u16
const SLL_HEADER_LENGTH = 16;
const SLL2_PROTOCOL = 0; // u16
const SLL2_HEADER_LENGTH = 20;
const LOOPBACK_HEADER_LENGTH = 4; // address family
const PPPOE_HEADER_LENGTH = 6; // RFC 2516 §4

/** ETH_P_* (linux/if_ether.h). */
const ETHER_TYPES = { ipv4: 0x0800, ipv6: 0x86dd, pppoeSession: 0x8864 } as const;
/** 802.1Q, 802.1ad, and the tag types used before 802.1ad: ETH_P_8021Q, ETH_P_8021AD, ETH_P_QINQ1 to 3. */
const VLAN_TAG_TYPES: readonly number[] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];
/** AF_INET of all systems; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin. */
const IP_ADDRESS_FAMILIES: readonly number[] = [2, 10, 24, 28, 30];
/** PPP protocol numbers of IPv4 (RFC 1332) and IPv6 (RFC 5072). */
const PPP_PROTOCOLS: readonly number[] = [0x0021, 0x0057];

/** Returns the offset of the IP header in the frame `[start, end)`, or why there is none. */
export function findIpPacket(
  linkType: number,
  bytes: Buffer,
  start: number,
  end: number,
): number | LinkFault {
  switch (linkType) {
    case LINK_TYPES.ethernet:
      return afterEtherType(bytes, start + ETHERNET_TYPE, start + ETHERNET_HEADER_LENGTH, end);
    case LINK_TYPES.linuxSll:
      return afterEtherType(bytes, start + SLL_PROTOCOL, start + SLL_HEADER_LENGTH, end);
    case LINK_TYPES.linuxSll2:
      return afterEtherType(bytes, start + SLL2_PROTOCOL, start + SLL2_HEADER_LENGTH, end);
    case LINK_TYPES.raw:
    case LINK_TYPES.rawOther:
    case LINK_TYPES.rawOpenBsd:
    case LINK_TYPES.ipv4:
    case LINK_TYPES.ipv6:
      return start;
    case LINK_TYPES.null:
    case LINK_TYPES.loop:
      return afterAddressFamily(bytes, start, end);
    case LINK_TYPES.ppp:
    case LINK_TYPES.pppHdlc:
      return afterPppHeader(bytes, start, end);
    default:
      return 'link-type-unsupported';
  }
}

/** `typeAt` is the offset of the EtherType of the payload at `payloadAt`. */
function afterEtherType(bytes: Buffer, typeAt: number, payloadAt: number, end: number): number | LinkFault {
  let at = payloadAt;
  let from = typeAt;
  for (let tags = 0; tags <= VLAN_TAGS_MAX; tags++) {
    if (at > end) return 'link-header-truncated';
    const type = bytes.readUInt16BE(from);
    if (type === ETHER_TYPES.ipv4 || type === ETHER_TYPES.ipv6) return at;
    if (type === ETHER_TYPES.pppoeSession) return afterPppHeader(bytes, at + PPPOE_HEADER_LENGTH, end);
    if (!VLAN_TAG_TYPES.includes(type)) return 'not-ip';
    // A tag is two bytes of control information, then the EtherType of the content.
    from = at + 2;
    at += 4;
  }
  return 'vlan-tags-too-many';
}

function afterAddressFamily(bytes: Buffer, start: number, end: number): number | LinkFault {
  if (end - start < LOOPBACK_HEADER_LENGTH) return 'link-header-truncated';
  const bigEndian = bytes.readUInt32BE(start);
  // Address families are small numbers, so a large one is in the other byte order.
  const family = bigEndian > 0xffff ? bytes.readUInt32LE(start) : bigEndian;
  return IP_ADDRESS_FAMILIES.includes(family) ? start + LOOPBACK_HEADER_LENGTH : 'not-ip';
}

/**
 * Accepts the header with or without HDLC address and control bytes (RFC 1662 §3.1). A one-byte protocol is
 * odd (RFC 1661 §6.5).
 */
function afterPppHeader(bytes: Buffer, start: number, end: number): number | LinkFault {
  if (end - start < 4) return 'link-header-truncated';
  const at = bytes.readUInt16BE(start) === 0xff03 ? start + 2 : start;
  const compressed = (bytes.readUInt8(at) & 1) === 1;
  const protocol = compressed ? bytes.readUInt8(at) : bytes.readUInt16BE(at);
  if (!PPP_PROTOCOLS.includes(protocol)) return 'not-ip';
  return at + (compressed ? 1 : 2);
}
