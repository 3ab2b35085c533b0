/**
 * Decides the effect of an announcement: checks the policy, plans the expectation, and determines whether the announced
 * endpoint must be rewritten for the other side.
 *
 * @module
 */
import type { Announcement, AnnouncementKind } from '../ftp/announcement.js';
import { LINE_TRAITS } from '../ftp/line-scanner.js';
import { judge, type Policy } from '../ftp/policy.js';
import { REPLY_TEXT_AT } from '../ftp/reply.js';
import type { Outcome } from '../ftp/dialogue.js';
import { sequenceAdd } from '../tcp/sequence.js';
import { sameIpAddress, type IpAddress } from '../wire/ip-address.js';
import type { Decision } from './decision.js';
import type { AnnouncedAt, Effect } from './effect.js';
import {
  announcerAddress,
  announcerAddressOutside,
  reachedAddress,
  planExpectation,
  type Connection,
} from './plan.js';
import type { PublicAddresses } from './nat/public-addresses.js';

/** The line that was read, and the packet that completed it. */
export interface LineOrigin {
  readonly half: number;
  /** Its bytes, borrowed. */
  readonly line: Buffer;
  /** The sequence number of the line's first byte, and the `LINE_TRAITS` of the line. */
  readonly sequence: number;
  readonly traits: number;
  readonly packet: number;
  /** Seconds since 1970. */
  readonly time: number;
}

type Refused = Extract<Outcome, { kind: 'refused' }>;

export class AnnouncementJudge {
  readonly #policy: Policy;
  readonly #publicAddresses: PublicAddresses;

  constructor(policy: Policy, publicAddresses: PublicAddresses) {
    this.#policy = policy;
    this.#publicAddresses = publicAddresses;
  }

  /** Returns the effect of a refused line: its record. */
  refuse(connection: Connection, origin: LineOrigin, refused: Refused): Effect {
    const { announcement, address, port, reason } = refused;
    return { kind: 'refuse', decision: decisionOf(connection, origin, announcement, address, port, reason) };
  }

  /** Returns the effect of an announcement: an expectation, or a refusal with its reason. */
  decide(connection: Connection, origin: LineOrigin, announcement: Announcement): Effect {
    const own = announcerAddress(connection, announcement);
    const outside = announcerAddressOutside(connection, announcement, this.#publicAddresses);
    const { kind, port } = announcement;
    const address = announcement.address ?? own;
    const decision = (refusal: Decision['refusal']): Decision =>
      decisionOf(connection, origin, kind, address, port, refusal);
    const refuse = (refusal: Decision['refusal']): Effect => ({
      kind: 'refuse',
      decision: decision(refusal),
    });
    // An announcer may already use its public address (FileZilla's external address, vsftpd's pasv_address).
    const names = [own, reachedAddress(connection, announcement), outside];
    const isOwn = names.some((name) => sameIpAddress(address, name));
    const reason = judge(this.#policy, announcement, isOwn ? address : own);
    if (reason !== undefined) return refuse(reason);
    const thirdHost = isOwn ? undefined : address;
    const expected = planExpectation(connection, announcement, thirdHost, this.#policy.activeSourcePort);
    const needed = isOwn && announcement.address !== undefined && !sameIpAddress(address, outside);
    const at = announcedAt(origin, announcement);
    if (needed && at === undefined) return refuse('not-rewritable');
    const mayRewrite = at !== undefined && (needed || expected.followMaster !== undefined);
    const rewrite = mayRewrite ? { at, address: outside, needed } : undefined;
    return { kind: 'expect', expected, decision: decision(undefined), rewrite };
  }
}

/** The position of the endpoint in the stream; unknown if telnet sequences were removed from the line. */
function announcedAt(origin: LineOrigin, { kind, from, to }: Announcement): AnnouncedAt | undefined {
  if ((origin.traits & LINE_TRAITS.telnet) !== 0) return undefined;
  const { half, sequence, line } = origin;
  const words = kind === '227' ? line.toString('latin1', REPLY_TEXT_AT, from) : '';
  return { half, start: sequenceAdd(sequence, from), end: sequenceAdd(sequence, to), kind, words };
}

function decisionOf(
  { original }: Connection,
  { packet, time }: LineOrigin,
  announcement: AnnouncementKind,
  address: IpAddress | undefined,
  port: number | undefined,
  refusal: Decision['refusal'],
): Decision {
  return {
    packet,
    time,
    client: original.source,
    clientPort: original.sourcePort,
    server: original.destination,
    serverPort: original.destinationPort,
    announcement,
    address,
    port,
    refusal,
  };
}
