/**
 * What may open a data connection. The defaults are the safe ones; `KERNEL_POLICY` has the tolerance of the
 * kernel's nf_conntrack_ftp. The rules about one announced endpoint are judged here, the rules about the
 * dialogue where the dialogue is known, in `session.ts`; the reasons of both are listed here.
 *
 * @module
 */
import type { BlockList } from 'node:net';
import { formatIpAddress, ipFamily, sameIpAddress, type IpAddress } from '../wire/ip-address.js';
import { isPassive, type Announcement } from './announcement.js';

/** First and last port, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Policy {
  /**
   * Lines that begin after, or end with, a bare LF open nothing. Off: only a PORT that ends so is refused,
   * for its CR is part of what the kernel's module reads.
   */
  readonly strictLineEnds: boolean;
  /** 227 and 229 count only in answer to an outstanding PASV and EPSV. */
  readonly pairReplies: boolean;
  /** The server speaks first and both sides speak FTP, or the connection is left alone for good. */
  readonly requireFtp: boolean;
  /** After an accepted EPSV ALL, PORT, EPRT and PASV open nothing (RFC 2428 §4). */
  readonly honourEpsvAll: boolean;
  /** Addresses that may be announced though they are not the announcer's own. */
  readonly allowedAddresses: BlockList | undefined;
  readonly minPort: number;
  /** Where 227 and 229 may point to. */
  readonly passivePorts: PortRange | undefined;
  /** The port that active data connections must come from; 0 is any. */
  readonly activeSourcePort: number;
}

export const DEFAULT_POLICY: Policy = Object.freeze({
  strictLineEnds: true,
  pairReplies: true,
  requireFtp: true,
  honourEpsvAll: true,
  allowedAddresses: undefined,
  minPort: 1024,
  passivePorts: undefined,
  activeSourcePort: 0,
});

/** As nf_conntrack_ftp judges. Numbers out of range stay refused: there they were a fault, not a tolerance. */
export const KERNEL_POLICY: Policy = Object.freeze({
  ...DEFAULT_POLICY,
  strictLineEnds: false,
  pairReplies: false,
  requireFtp: false,
  honourEpsvAll: false,
  minPort: 1,
});

/** Why an announcement opened nothing: what was seen, and what can be done where something can. */
export const REFUSAL_REASONS = {
  malformed: 'The announcement does not follow its grammar (RFC 959, RFC 1123, RFC 2428).',
  'octet-out-of-range': 'One of the six numbers is above 255.',
  'port-out-of-range': 'The port is 0 or above 65535.',
  'family-mismatch':
    'The announced address is of another family than the control connection; use EPSV, or the same family for both.',
  'address-mismatch':
    'The announced address is not the own address of the host that announces it; --allow-address permits others, for transfers between servers or for hosts with several addresses.',
  'privileged-port': 'The port is below 1024; --policy kernel permits it.',
  'passive-port-range':
    'The port lies outside --passive-ports; make the range that of the server (pasv_min_port, pasv_max_port).',
  'unsolicited-reply':
    'The 227 or 229 does not answer an outstanding PASV or EPSV; --policy kernel does not ask for that.',
  'too-many-commands':
    'More commands were sent ahead of their replies than are remembered, so that the reply cannot be matched to its command; the client should wait for replies.',
  'bare-line-feed':
    'The line begins after, or ends with, a LF without CR, which may have been smuggled in; --policy kernel takes such lines, except PORT without its CR.',
  'line-too-long': 'The line is longer than 2048 bytes.',
  'nul-byte': 'The line contains a NUL byte.',
  'no-banner': 'The client announced before the server had greeted with a reply.',
  'not-ftp': 'The connection does not carry FTP: its first lines were no FTP command, or no FTP reply.',
  'epsv-all':
    'The client had promised by EPSV ALL to use EPSV only (RFC 2428 §4); --policy kernel does not hold it to that.',
} as const;
export type RefusalReason = keyof typeof REFUSAL_REASONS;

/**
 * Says why policy refuses a readable announcement, or `undefined` when it may open. `announcer` is the own
 * address of the host that sent it, before any translation.
 */
export function judge(
  policy: Policy,
  announcement: Announcement,
  announcer: IpAddress,
): RefusalReason | undefined {
  const { address, port } = announcement;
  if (address !== undefined) {
    if (ipFamily(address) !== ipFamily(announcer)) return 'family-mismatch';
    if (!sameIpAddress(address, announcer) && !isAllowed(policy, address)) return 'address-mismatch';
  }
  if (port < policy.minPort) return 'privileged-port';
  if (isPassive(announcement.kind) && !isWithin(policy.passivePorts, port)) return 'passive-port-range';
  return undefined;
}

/** `BlockList` takes `::ffff:a.b.c.d` for the IPv4 address in it; no IPv6 packet bears such an address. */
function isAllowed({ allowedAddresses }: Policy, address: IpAddress): boolean {
  if (allowedAddresses === undefined || isMappedIpv4(address)) return false;
  return allowedAddresses.check(formatIpAddress(address), `ipv${ipFamily(address)}`);
}

/** RFC 4291 §2.5.5.2: ten bytes of zeros, then two of ones. */
const isMappedIpv4 = (address: IpAddress): boolean =>
  ipFamily(address) === 6 && address.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));

const isWithin = (range: PortRange | undefined, port: number): boolean =>
  range === undefined || (port >= range.first && port <= range.last);
