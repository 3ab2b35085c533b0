/**
 * Which data connection conntrack should expect for an announcement. The connecting peer is named by its
 * address on the announcer's far side, the announced endpoint by the address that this peer uses for it. Both
 * addresses are in the control connection's tuples, so NAT needs no table of its own.
 *
 * @module
 */
import type { Announcement } from '../ftp/announcement.js';
import type { IpAddress } from '../wire/ip-address.js';
import { CONNTRACK_STATUS } from '../wire/conntrack.js';
import type { SequenceAdjustment } from '../wire/seqadj.js';
import { invertTuple, sameTuple, type Tuple } from '../wire/tuple.js';
import type { PublicAddresses } from './nat/public-addresses.js';

/** A control connection by the tuples of its two directions (CTA_TUPLE_ORIG, CTA_TUPLE_REPLY). */
export interface Connection {
  readonly original: Tuple;
  readonly reply: Tuple;
}

/** A connection as conntrack reports it (`ConntrackEntry` of wire/conntrack.ts). */
export interface TrackedConnection extends Connection {
  /** CTA_ID distinguishes the connection from a later one of the same tuples. */
  readonly id: number;
  /** Bits of `CONNTRACK_STATUS`, if conntrack was asked. */
  readonly status?: number;
  /** Sequence adjustments in force, of each direction. */
  readonly sequenceAdjustOriginal?: SequenceAdjustment | undefined;
  readonly sequenceAdjustReply?: SequenceAdjustment | undefined;
}

/** The data connection to expect, and how it follows the NAT of its master. */
export interface ExpectedConnection {
  /** The control connection's original tuple: conntrack calls it the master. */
  readonly master: Tuple;
  /** `sourcePort` 0 stands for any. */
  readonly tuple: Tuple;
  /**
   * Set if the master is under NAT: the direction in which the data connection is opened (`CTA_EXPECT_NAT_DIR`,
   * 1 towards the client) and the announced port, for the kernel's `nat-follow-master`.
   */
  readonly followMaster: { readonly direction: 0 | 1; readonly port: number } | undefined;
}

/** PORT and EPRT ask the server to connect to the client; 227 and 229 ask the client to connect to the server. */
export const announcedByClient = (announcement: Announcement): boolean =>
  announcement.kind === 'PORT' || announcement.kind === 'EPRT';

/** The announcing peer's own address: an honest announcement names no other. */
export function announcerAddress(connection: Connection, announcement: Announcement): IpAddress {
  return announcedByClient(announcement) ? connection.original.source : connection.reply.source;
}

/** The address by which the other side's packets reach this host: its name for the announcer, after this host's NAT. */
export const reachedAddress = (connection: Connection, announcement: Announcement): IpAddress =>
  (announcedByClient(announcement) ? connection.reply : connection.original).destination;

/** The other side's address for the announcer: after this host's NAT and, for servers, that of another host on the path. */
export function announcerAddressOutside(
  connection: Connection,
  announcement: Announcement,
  publicAddresses: PublicAddresses,
): IpAddress {
  const reached = reachedAddress(connection, announcement);
  return announcedByClient(announcement) ? reached : (publicAddresses.of(reached) ?? reached);
}

/**
 * Plans the expectation.
 *
 * @param thirdHost         the announced address, if it is not the announcer's own
 * @param activeSourcePort  the port that active data connections must come from (20), 0 for any
 */
export function planExpectation(
  connection: Connection,
  announcement: Announcement,
  thirdHost: IpAddress | undefined,
  activeSourcePort: number,
): ExpectedConnection {
  const active = announcedByClient(announcement);
  const towards = active ? connection.reply : connection.original;
  return {
    master: connection.original,
    tuple: {
      source: towards.source,
      destination: thirdHost ?? towards.destination,
      sourcePort: active ? activeSourcePort : 0,
      destinationPort: announcement.port,
    },
    // To a third host the rules of the site apply: following the master would lead to the announcer.
    followMaster:
      isTranslated(connection) && thirdHost === undefined
        ? { direction: active ? 1 : 0, port: announcement.port }
        : undefined,
  };
}

/** Whether the handshake is over: after it, SYN and SYN-ACK begin no connection. */
export const isUnderWay = ({ status = 0 }: TrackedConnection): boolean =>
  (status & CONNTRACK_STATUS.assured) !== 0;

/** Whether there is NAT between the two sides. */
export const isTranslated = (connection: Connection): boolean =>
  !sameTuple(connection.reply, invertTuple(connection.original));
