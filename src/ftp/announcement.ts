/**
 * The table of everything that can open a data connection. A row is a keyword of one direction and the
 * grammar of its argument (RFC 959 §4.1.2 and §4.2, RFC 2428 §2 and §3). A new announcement is a new row.
 *
 * @module
 */
import type { Endpoint } from './endpoint.js';
import { readExtendedPassiveReply, readExtendedPortArgument } from './extended.js';
import { readPassiveReply, readPortArgument } from './host-port.js';

export const ANNOUNCEMENTS = {
  /** Commands of the client. The server then connects to the client. */
  fromClient: {
    PORT: { kind: 'PORT', read: readPortArgument },
    EPRT: { kind: 'EPRT', read: readExtendedPortArgument },
  },
  /** Replies of the server. The client then connects to the server. */
  fromServer: {
    227: { kind: '227', read: readPassiveReply },
    229: { kind: '229', read: readExtendedPassiveReply },
  },
} as const;

type ClientRow = (typeof ANNOUNCEMENTS.fromClient)[keyof typeof ANNOUNCEMENTS.fromClient];
type ServerRow = (typeof ANNOUNCEMENTS.fromServer)[keyof typeof ANNOUNCEMENTS.fromServer];

export type AnnouncementRow = ClientRow | ServerRow;
export type AnnouncementKind = AnnouncementRow['kind'];

/** An announced endpoint, readable and in its proper place in the dialogue. Policy has not judged it yet. */
export interface Announcement extends Endpoint {
  readonly kind: AnnouncementKind;
}

/** Returns whether the server listens for the data connection. */
export const isPassive = (kind: AnnouncementKind): boolean => kind === '227' || kind === '229';
