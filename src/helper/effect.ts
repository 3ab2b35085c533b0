/**
 * What a packet causes besides its verdict: data, to be carried out by the caller, in order.
 *
 * @module
 */
import type { AnnouncementKind } from '../ftp/announcement.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';
import type { Decision } from './decision.js';
import type { ExpectedConnection } from './plan.js';

/** The position of an announcement, for a rewrite: the half, and the sender's sequence numbers of the endpoint's bytes. */
export interface AnnouncedAt {
  readonly half: number;
  readonly start: number;
  readonly end: number;
  readonly kind: AnnouncementKind;
  /** The reply text between the code and the endpoint of a 227; empty for the other kinds. */
  readonly words: string;
}

/** Another endpoint can be written into an announcement. */
export interface Rewrite {
  readonly at: AnnouncedAt;
  /** The address that the other side must use. */
  readonly address: IpAddress;
  /** The announced address is a different one; otherwise only another port requires a rewrite. */
  readonly needed: boolean;
}

export interface ExpectEffect {
  readonly kind: 'expect';
  readonly expected: ExpectedConnection;
  readonly decision: Decision;
  /** The connection is under NAT, by this host or by another. */
  readonly rewrite: Rewrite | undefined;
}

/** An expectation at this port whose announcement has not been forwarded yet as required. */
export interface PromisedExpectation {
  readonly effect: ExpectEffect;
  readonly port: number;
  /** The expectation was made for this announcement, not found from an earlier one. */
  readonly fresh: boolean;
}

export type Effect =
  | ExpectEffect
  | { readonly kind: 'refuse'; readonly decision: Decision }
  /** This connection is no longer read, so its packets need not be queued. */
  | { readonly kind: 'release'; readonly connection: Tuple; readonly cause: ReleaseCause };

/** Why a connection is no longer read. */
export type ReleaseCause = 'encrypted' | 'not-ftp';
