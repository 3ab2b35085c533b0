/**
 * What comes of a line, and the making of it. An outcome is the only thing that a line ever allocates, and
 * few lines have one.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';
import type { Announcement, AnnouncementKind, AnnouncementRow } from './announcement.js';
import { malformed } from './endpoint.js';
import { LINE_TRAITS } from './line-scanner.js';
import type { Policy, RefusalReason } from './policy.js';

export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  readonly announcement: AnnouncementKind;
  /** What could be read in spite of the refusal; the port may be out of range. */
  readonly address: IpAddress | undefined;
  readonly port: number | undefined;
  /** Offset in the line: of the fault where the line has one, else of the endpoint. */
  readonly at: number;
}

export type Outcome =
  /** Readable and at its place in the dialogue; `judge` has the last word. */
  | { readonly kind: 'announcement'; readonly announcement: Announcement }
  | Refusal
  /** The server accepted AUTH (RFC 2228, RFC 4217): the session answers nothing any more. */
  | { readonly kind: 'encrypted' }
  /** Answered once; announcements that follow are refused as `not-ftp`. */
  | { readonly kind: 'not-ftp' };

export const ENCRYPTED: Outcome = Object.freeze({ kind: 'encrypted' });
export const NOT_FTP: Outcome = Object.freeze({ kind: 'not-ftp' });

/** What about a line itself keeps it from opening anything. */
export function lineObstacle(
  policy: Policy,
  kind: AnnouncementKind,
  traits: number,
): RefusalReason | undefined {
  if (traits === 0) return undefined;
  if ((traits & LINE_TRAITS.tooLong) !== 0) return 'line-too-long';
  if ((traits & LINE_TRAITS.nul) !== 0) return 'nul-byte';
  return (traits & refusedLineEnds(policy, kind)) === 0 ? undefined : 'bare-line-feed';
}

function refusedLineEnds(policy: Policy, kind: AnnouncementKind): number {
  if (policy.strictLineEnds) return LINE_TRAITS.bareLineFeed | LINE_TRAITS.afterBareLineFeed;
  return kind === 'PORT' ? LINE_TRAITS.bareLineFeed : 0;
}

/** The announcement that the line holds, unless the obstacle or its grammar refuses it. */
export function announce(
  row: AnnouncementRow,
  obstacle: RefusalReason | undefined,
  bytes: Buffer,
  start: number,
  end: number,
  traits: number,
): Outcome {
  // Of a line that was cut, the last number may be cut too.
  const cut = (traits & LINE_TRAITS.tooLong) !== 0;
  const reading = cut ? malformed(0) : row.read(bytes, start, end);
  if (!reading.ok) {
    const { fault, address, port, at } = reading;
    return { kind: 'refused', reason: obstacle ?? fault, announcement: row.kind, address, port, at };
  }
  const { address, port, from, to } = reading.value;
  if (obstacle === undefined) {
    return { kind: 'announcement', announcement: { kind: row.kind, address, port, from, to } };
  }
  return { kind: 'refused', reason: obstacle, announcement: row.kind, address, port, at: from };
}

/**
 * The refusal of a line that is no announcement where it stands, for those who want to know why it opened
 * nothing: only where an endpoint can be read in it, the rest is ordinary text.
 */
export function refuseReadable(
  row: AnnouncementRow | undefined,
  reason: RefusalReason,
  bytes: Buffer,
  start: number,
  end: number,
  traits: number,
): Outcome | undefined {
  if (row === undefined) return undefined;
  const outcome = announce(row, reason, bytes, start, end, traits);
  return outcome.kind === 'refused' && outcome.port !== undefined ? outcome : undefined;
}
