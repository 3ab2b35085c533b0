/**
 * The outcome of a line. An outcome is the only allocation that a line ever causes, and few lines have one.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';
import type { Announcement, AnnouncementKind, AnnouncementRow } from './announcement.js';
import { malformed } from './endpoint.js';
import { LINE_TRAITS } from './line-scanner.js';
import type { LineView } from './line-view.js';
import type { Policy, RefusalReason } from './policy.js';

export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  readonly announcement: AnnouncementKind;
  /** The parts that could be read despite the refusal. The port may be out of range. */
  readonly address: IpAddress | undefined;
  readonly port: number | undefined;
  /** Offset in the line of the fault, if the line has one; otherwise of the endpoint. */
  readonly at: number;
}

export type Outcome =
  /** Readable and in its proper place in the dialogue; `judge` makes the final decision. */
  | { readonly kind: 'announcement'; readonly announcement: Announcement }
  | Refusal
  /** The server accepted AUTH (RFC 2228, RFC 4217): no further lines of this flow are read. */
  | { readonly kind: 'encrypted' }
  /** Reported once. Later announcements are refused as `not-ftp`. */
  | { readonly kind: 'not-ftp' };

export const ENCRYPTED: Outcome = Object.freeze({ kind: 'encrypted' });
export const NOT_FTP: Outcome = Object.freeze({ kind: 'not-ftp' });

/** Returns which property of the line itself prevents it from opening anything. */
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

/** Returns the announcement in the line, unless the obstacle or the grammar refuses it. */
export function announce(
  row: AnnouncementRow,
  obstacle: RefusalReason | undefined,
  { bytes, start, end, traits }: LineView,
): Outcome {
  // In a line that was cut, the last number may be cut too.
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
 * Returns the refusal of a line that is not an announcement in its place, to explain why it opened nothing.
 * Returns `undefined` if no endpoint can be read in the line: it is ordinary text.
 */
export function refuseReadable(
  row: AnnouncementRow | undefined,
  reason: RefusalReason,
  line: LineView,
): Outcome | undefined {
  if (row === undefined) return undefined;
  const outcome = announce(row, reason, line);
  return outcome.kind === 'refused' && outcome.port !== undefined ? outcome : undefined;
}
