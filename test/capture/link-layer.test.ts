import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findIpPacket, LINK_TYPES, VLAN_TAGS_MAX, type LinkFault } from '../../src/capture/link-layer.js';
import { ethernetFrame, tcpPacket } from '../wire/packets.js';

const IPV4_PACKET = tcpPacket({
  source: '10.1.0.2:40000',
  destination: '10.2.0.2:21',
  payload: 'USER x\r\n',
});
const IPV6_PACKET = tcpPacket({ source: '[2001:db8::1]:40000', destination: '[2001:db8::2]:21' });

const MAC_ADDRESSES = '020000000002 020000000001';
/** Packet type, device type, address length, address: the fields before the protocol. */
const SLL = '0000 0001 0006 0200000000010000';
/**
 * Reserved, interface index, device type, packet type, address length, address: the fields after the
 * protocol.
 */
const SLL2 = '0000 00000002 0001 00 06 0200000000010000';
/** PPPoE version and type, code, session, length. */
const PPPOE = '11 00 0001 0030';

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const find = (linkType: number, bytes: Buffer): number | LinkFault =>
  findIpPacket(linkType, bytes, 0, bytes.length);

/** Headers before an IP packet, all of which are skipped. The numbers are those of the LINKTYPE_ registry. */
const HEADERS: [name: string, linkType: number, header: string][] = [
  ['Ethernet, IPv4', 1, `${MAC_ADDRESSES} 0800`],
  ['Ethernet, IPv6', 1, `${MAC_ADDRESSES} 86dd`],
  ['an 802.1Q tag', 1, `${MAC_ADDRESSES} 8100 0064 0800`],
  ['a priority tag of VLAN 0', 1, `${MAC_ADDRESSES} 8100 e000 86dd`],
  ['802.1ad with 802.1Q inside', 1, `${MAC_ADDRESSES} 88a8 0064 8100 0065 0800`],
  ['802.1Q with 802.1Q inside', 1, `${MAC_ADDRESSES} 8100 0064 8100 0065 86dd`],
  ['QinQ before 802.1ad', 1, `${MAC_ADDRESSES} 9100 0064 8100 0065 0800`],
  ['QinQ of other makers', 1, `${MAC_ADDRESSES} 9200 0064 9300 0065 0800`],
  ['PPPoE', 1, `${MAC_ADDRESSES} 8864 ${PPPOE} 0021`],
  ['PPPoE on a VLAN', 1, `${MAC_ADDRESSES} 8100 0064 8864 ${PPPOE} 0057`],
  ['Linux cooked, IPv4', 113, `${SLL} 0800`],
  ['Linux cooked, IPv6', 113, `${SLL} 86dd`],
  ['Linux cooked, tagged', 113, `${SLL} 8100 0064 0800`],
  ['Linux cooked v2, IPv4', 276, `0800 ${SLL2}`],
  ['Linux cooked v2, IPv6', 276, `86dd ${SLL2}`],
  ['Linux cooked v2, tagged', 276, `8100 ${SLL2} 0064 86dd`],
  ['raw IP', 101, ''],
  ['raw IP under its older number', 12, ''],
  ["raw IP under OpenBSD's number", 14, ''],
  ['IPv4', 228, ''],
  ['IPv6', 229, ''],
  ['BSD loopback, AF_INET, little-endian', 0, '02000000'],
  ['BSD loopback, AF_INET, big-endian', 0, '00000002'],
  ['BSD loopback, AF_INET6 of Linux', 0, '0a000000'],
  ['BSD loopback, AF_INET6 of NetBSD and OpenBSD', 0, '18000000'],
  ['BSD loopback, AF_INET6 of FreeBSD', 0, '1c000000'],
  ['BSD loopback, AF_INET6 of Darwin', 0, '1e000000'],
  ['BSD loopback, AF_INET6 of Darwin, big-endian', 0, '0000001e'],
  ['OpenBSD loopback', 108, '00000018'],
  ['OpenBSD loopback, little-endian', 108, '18000000'],
  ['PPP, IPv4', 9, '0021'],
  ['PPP, IPv6', 9, '0057'],
  ['PPP with a compressed protocol', 9, '21'],
  ['PPP in HDLC', 9, 'ff03 0021'],
  ['PPP in HDLC with a compressed protocol', 50, 'ff03 57'],
  ['PPP in HDLC, IPv6', 50, 'ff03 0057'],
];

describe('findIpPacket', () => {
  it.each(HEADERS)('skips %s', (_name, linkType, hex) => {
    const header = fromHex(hex);
    expect(find(linkType, Buffer.concat([header, IPV4_PACKET]))).toBe(header.length);
  });

  it.each(HEADERS.filter(([, , hex]) => hex !== ''))(
    'reports a truncated header: %s',
    (_name, linkType, hex) => {
      const header = fromHex(hex);
      for (let length = 0; length < header.length; length++) {
        expect(find(linkType, header.subarray(0, length))).toBe('link-header-truncated');
      }
    },
  );

  it('reads the frames that the test builders make', () => {
    for (const tagTypes of [[], [0x8100], [0x88a8, 0x8100]]) {
      expect(find(LINK_TYPES.ethernet, ethernetFrame(IPV4_PACKET, tagTypes))).toBe(14 + 4 * tagTypes.length);
      expect(find(LINK_TYPES.ethernet, ethernetFrame(IPV6_PACKET, tagTypes))).toBe(14 + 4 * tagTypes.length);
    }
  });

  it('takes offsets relative to the start of the frame', () => {
    const bytes = Buffer.concat([Buffer.alloc(33, 0xff), ethernetFrame(IPV4_PACKET, [0x8100])]);
    expect(findIpPacket(LINK_TYPES.ethernet, bytes, 33, bytes.length)).toBe(33 + 18);
  });

  it('skips VLAN tags up to the limit and no more', () => {
    const tags = Array.from({ length: VLAN_TAGS_MAX }, () => 0x8100);
    expect(find(LINK_TYPES.ethernet, ethernetFrame(IPV4_PACKET, tags))).toBe(14 + 4 * VLAN_TAGS_MAX);
    expect(find(LINK_TYPES.ethernet, ethernetFrame(IPV4_PACKET, [...tags, 0x8100]))).toBe(
      'vlan-tags-too-many',
    );
  });

  it.each<[string, number, string, LinkFault]>([
    ['ARP', LINK_TYPES.ethernet, `${MAC_ADDRESSES} 0806 0001 0800`, 'not-ip'],
    ['ARP on a VLAN', LINK_TYPES.ethernet, `${MAC_ADDRESSES} 8100 0064 0806 0001 0800`, 'not-ip'],
    ['802.3 with a length', LINK_TYPES.ethernet, `${MAC_ADDRESSES} 0026 424203`, 'not-ip'],
    ['PPPoE discovery', LINK_TYPES.ethernet, `${MAC_ADDRESSES} 8863 ${PPPOE} 0021`, 'not-ip'],
    ['LCP in PPPoE', LINK_TYPES.ethernet, `${MAC_ADDRESSES} 8864 ${PPPOE} c021 0101`, 'not-ip'],
    ['ARP, Linux cooked', LINK_TYPES.linuxSll, `${SLL} 0806`, 'not-ip'],
    ['ARP, Linux cooked v2', LINK_TYPES.linuxSll2, `0806 ${SLL2}`, 'not-ip'],
    ['AppleTalk on a BSD loopback', LINK_TYPES.null, '10000000', 'not-ip'],
    ['a family of no byte order', LINK_TYPES.null, '02000002', 'not-ip'],
    ['LCP', LINK_TYPES.ppp, 'ff03 c021 0101', 'not-ip'],
    ['802.11', 105, '0800', 'link-type-unsupported'],
    ['a number that nobody gave out', 65_535, '4500', 'link-type-unsupported'],
  ])('finds no IP packet in %s', (_name, linkType, hex, fault) => {
    expect(find(linkType, fromHex(hex))).toBe(fault);
  });

  it('never throws, returns an offset within the frame, and reads no bytes outside it', () => {
    const linkType = fc.constantFrom(...Object.values(LINK_TYPES), 105);
    const start = fc.constantFrom(...HEADERS.map(([, , hex]) => fromHex(hex)));
    fc.assert(
      fc.property(
        linkType,
        start,
        fc.uint8Array({ maxLength: 40, size: 'max' }),
        fc.nat(60),
        (type, header, rest, length) => {
          const frame = Buffer.concat([header, rest]).subarray(0, length);
          const found = find(type, frame);
          if (typeof found === 'number') expect(found).toBeLessThanOrEqual(frame.length);
          for (const around of [0x00, 0xff]) {
            const surroundings = Buffer.alloc(32, around);
            const bytes = Buffer.concat([surroundings, frame, surroundings]);
            const inside = findIpPacket(type, bytes, 32, 32 + frame.length);
            expect(typeof inside === 'number' ? inside - 32 : inside).toBe(found);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
