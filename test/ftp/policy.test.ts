/** Which endpoints policy allows. */
import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Announcement, AnnouncementKind } from '../../src/ftp/announcement.js';
import {
  DEFAULT_POLICY,
  judge,
  KERNEL_POLICY,
  type Policy,
  type RefusalReason,
} from '../../src/ftp/policy.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';

function addressOf(text: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

function announcement(kind: AnnouncementKind, address: string | undefined, port: number): Announcement {
  return { kind, address: address === undefined ? undefined : addressOf(address), port, from: 0, to: 0 };
}

const allowed = new BlockList();
allowed.addSubnet('192.0.2.0', 24, 'ipv4');
allowed.addAddress('2001:db8::7', 'ipv6');

const ALLOWING: Policy = { ...DEFAULT_POLICY, allowedAddresses: allowed };
const RANGE: Policy = { ...DEFAULT_POLICY, passivePorts: { first: 30_000, last: 30_999 } };

describe('judge', () => {
  it.each<[string, Policy, AnnouncementKind, string | undefined, number, string, RefusalReason | undefined]>([
    ['the own address', DEFAULT_POLICY, 'PORT', '10.0.0.1', 1024, '10.0.0.1', undefined],
    ['the own IPv6 address', DEFAULT_POLICY, 'EPRT', '2001:db8::1', 1024, '2001:db8::1', undefined],
    ['no address', DEFAULT_POLICY, '229', undefined, 1024, '2001:db8::1', undefined],
    ['another address', DEFAULT_POLICY, 'PORT', '10.0.0.2', 1024, '10.0.0.1', 'address-mismatch'],
    ['another server', DEFAULT_POLICY, '227', '10.0.0.2', 1024, '10.0.0.1', 'address-mismatch'],
    [
      'an address that differs in its last byte',
      DEFAULT_POLICY,
      'EPRT',
      '2001:db8::2',
      1024,
      '2001:db8::1',
      'address-mismatch',
    ],
    ['the other family', DEFAULT_POLICY, 'EPRT', '2001:db8::1', 1024, '10.0.0.1', 'family-mismatch'],
    ['port 1023', DEFAULT_POLICY, 'PORT', '10.0.0.1', 1023, '10.0.0.1', 'privileged-port'],
    ['port 1023 of a 229', DEFAULT_POLICY, '229', undefined, 1023, '10.0.0.1', 'privileged-port'],
    ['port 1 for the kernel', KERNEL_POLICY, 'PORT', '10.0.0.1', 1, '10.0.0.1', undefined],
    [
      'another address for the kernel',
      KERNEL_POLICY,
      'PORT',
      '10.0.0.2',
      1024,
      '10.0.0.1',
      'address-mismatch',
    ],
    ['an allowed address', ALLOWING, 'PORT', '192.0.2.255', 1024, '10.0.0.1', undefined],
    ['an allowed IPv6 address', ALLOWING, 'EPRT', '2001:db8::7', 1024, '2001:db8::1', undefined],
    ['an address beside the allowed', ALLOWING, 'PORT', '192.0.3.0', 1024, '10.0.0.1', 'address-mismatch'],
    [
      'an allowed address, mapped',
      ALLOWING,
      'EPRT',
      '::ffff:192.0.2.1',
      1024,
      '2001:db8::1',
      'address-mismatch',
    ],
    [
      'an allowed address of the other family',
      ALLOWING,
      'EPRT',
      '192.0.2.1',
      1024,
      '2001:db8::1',
      'family-mismatch',
    ],
    [
      'a privileged port of an allowed address',
      ALLOWING,
      'PORT',
      '192.0.2.1',
      22,
      '10.0.0.1',
      'privileged-port',
    ],
    ['the first port of the range', RANGE, '227', '10.0.0.1', 30_000, '10.0.0.1', undefined],
    ['the last port of the range', RANGE, '229', undefined, 30_999, '10.0.0.1', undefined],
    ['a port before the range', RANGE, '227', '10.0.0.1', 29_999, '10.0.0.1', 'passive-port-range'],
    ['a port after the range', RANGE, '229', undefined, 31_000, '10.0.0.1', 'passive-port-range'],
    ['an active port, whatever the range', RANGE, 'PORT', '10.0.0.1', 40_000, '10.0.0.1', undefined],
    ['an active port of EPRT, whatever the range', RANGE, 'EPRT', '10.0.0.1', 40_000, '10.0.0.1', undefined],
  ])('%s', (_, policy, kind, address, port, announcer, reason) => {
    expect(judge(policy, announcement(kind, address, port), addressOf(announcer))).toBe(reason);
  });
});
