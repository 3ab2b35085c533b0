/**
 * What a packet causes beside its verdict: data, to be carried out by whoever asked, in order.
 *
 * @module
 */
import type { AnnouncementKind } from '../ftp/announcement.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';
import type { Decision } from './decision.js';
import type { ExpectedConnection } from './plan.js';

/** Where an announcement stands, for a rewrite: the half and the sender's numbers of the endpoint's bytes. */
export interface AnnouncedAt {
  readonly half: number;
  readonly start: number;
  readonly end: number;
  readonly kind: AnnouncementKind;
  /** What stands between the code and the endpoint of a 227, for people only; empty for the others. */
  readonly words: string;
}

/** Another endpoint can be written into an announcement. */
export interface Rewrite {
  readonly at: AnnouncedAt;
  /** The address that the other side must use. */
  readonly address: IpAddress;
  /** The announced address is not that one; else only another port would be a reason. */
  readonly needed: boolean;
}

export interface ExpectEffect {
  readonly kind: 'expect';
  readonly expected: ExpectedConnection;
  readonly decision: Decision;
  /** On a connection that is translated, by us or by another host. */
  readonly rewrite: Rewrite | undefined;
}

/** A pinhole at this port, whose announcement has not passed yet as it must. */
export interface PromisedExpectation {
  readonly effect: ExpectEffect;
  readonly port: number;
  /** It was opened for this announcement, and not found open for an earlier one. */
  readonly fresh: boolean;
}

export type Effect =
  | ExpectEffect
  | { readonly kind: 'refuse'; readonly decision: Decision }
  /** Nothing on this connection is read any more: it need not be queued again. */
  | { readonly kind: 'release'; readonly connection: Tuple; readonly cause: ReleaseCause };

/** Why a connection is not read any more. */
export type ReleaseCause = 'encrypted' | 'not-ftp';
