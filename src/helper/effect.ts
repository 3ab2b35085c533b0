/**
 * What a packet causes beside its verdict: data, to be carried out by whoever asked, in order.
 *
 * @module
 */
import type { AnnouncementKind } from '../ftp/announcement.js';
import type { Tuple } from '../wire/tuple.js';
import type { Decision } from './decision.js';
import type { ExpectedConnection } from './expectation-plan.js';

/** Where an announcement stands, for a rewrite: the half and the sender's numbers of the endpoint's bytes. */
export interface AnnouncedAt {
  readonly half: number;
  readonly start: number;
  readonly end: number;
  readonly kind: AnnouncementKind;
}

export interface ExpectEffect {
  readonly kind: 'expect';
  readonly expected: ExpectedConnection;
  readonly decision: Decision;
  /**
   * On a translated connection: where another endpoint could be written. `needed` where the announced address is not
   * the one that the other side must use; else only if another port has to be taken.
   */
  readonly rewrite: { readonly at: AnnouncedAt; readonly needed: boolean } | undefined;
}

export type Effect =
  | ExpectEffect
  | { readonly kind: 'refuse'; readonly decision: Decision }
  /** Nothing on this connection is of interest any more: it need not be queued again. */
  | { readonly kind: 'release'; readonly connection: Tuple; readonly cause: 'encrypted' | 'not-ftp' };
