/**
 * From an announcement at its place in the dialogue to its effect: policy first, then who will connect where, and
 * whether the announced endpoint must be rewritten for the other side.
 *
 * @module
 */
import type { Announcement, AnnouncementKind } from '../ftp/announcement.js';
import { LINE_TRAITS } from '../ftp/line-scanner.js';
import { judge, type Policy } from '../ftp/policy.js';
import type { Outcome } from '../ftp/session.js';
import { sequenceAdd } from '../tcp/sequence.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Decision } from './decision.js';
import type { AnnouncedAt, Effect } from './effect.js';
import { announcerAddress, planExpectation, type Connection } from './expectation-plan.js';

/** The line that was read, and the packet that completed it. */
export interface LineOrigin {
  readonly half: number;
  /** The sender's number of the line's first byte, and the `LINE_TRAITS` of the line. */
  readonly sequence: number;
  readonly traits: number;
  readonly packet: number;
  /** Seconds since 1970. */
  readonly time: number;
}

type Refused = Extract<Outcome, { kind: 'refused' }>;

export class AnnouncementJudge {
  readonly #policy: Policy;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** What a refused line causes: the record of it. */
  refuse(connection: Connection, origin: LineOrigin, refused: Refused): Effect {
    const { announcement, address, port, reason } = refused;
    return { kind: 'refuse', decision: decisionOf(connection, origin, announcement, address, port, reason) };
  }

  /** What an announcement causes: the data connection is expected, or it is said why not. */
  decide(connection: Connection, origin: LineOrigin, announcement: Announcement): Effect {
    const own = announcerAddress(connection, announcement);
    const { kind, port } = announcement;
    const address = announcement.address ?? own;
    const decision = (refusal: Decision['refusal']): Decision =>
      decisionOf(connection, origin, kind, address, port, refusal);
    const reason = judge(this.#policy, announcement, own);
    if (reason !== undefined) return { kind: 'refuse', decision: decision(reason) };
    const { expected, readdressed } = planExpectation(
      connection,
      announcement,
      this.#policy.activeSourcePort,
    );
    const at = expected.followMaster === undefined ? undefined : announcedAt(origin, announcement);
    if (readdressed && at === undefined) return { kind: 'refuse', decision: decision('not-rewritable') };
    const rewrite = at === undefined ? undefined : { at, needed: readdressed };
    return { kind: 'expect', expected, decision: decision(undefined), rewrite };
  }
}

/** Where the endpoint stands in the stream; not known in a line that telnet sequences were removed from. */
function announcedAt(origin: LineOrigin, { kind, from, to }: Announcement): AnnouncedAt | undefined {
  if ((origin.traits & LINE_TRAITS.telnet) !== 0) return undefined;
  const { half, sequence } = origin;
  return { half, start: sequenceAdd(sequence, from), end: sequenceAdd(sequence, to), kind };
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
