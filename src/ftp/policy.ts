/**
 * What may open a data connection. The defaults are the safe ones; `KERNEL_POLICY` has the tolerance of the
 * kernel's nf_conntrack_ftp. The rules about one announced endpoint are judged here, the rules about the
 * dialogue in `dialogue.ts`; the reasons of both are listed here.
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

/** Why an announcement opens nothing. helper/reasons.ts has the sentence of each. */
export type RefusalReason =
  | 'malformed'
  | 'octet-out-of-range'
  | 'port-out-of-range'
  | 'family-mismatch'
  | 'address-mismatch'
  | 'privileged-port'
  | 'passive-port-range'
  | 'unsolicited-reply'
  | 'too-many-commands'
  | 'bare-line-feed'
  | 'line-too-long'
  | 'nul-byte'
  | 'no-banner'
  | 'not-ftp'
  | 'epsv-all';

/**
 * Returns why policy refuses a readable announcement, or `undefined` if it may open. `announcer` is the own
 * address of the host that sent it, before NAT.
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
