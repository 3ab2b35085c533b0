/**
 * Opens the pinhole that an announcement asks for and, where the connection is translated, has the announcement
 * name the endpoint that the other side must use: another address, and another port where the announced one is expected
 * by somebody else. All of it or nothing.
 *
 * @module
 */
import { POLICY_LIFETIME } from '../wire/expectation.js';
import { isPassive } from '../ftp/announcement.js';
import type { PortRange } from '../ftp/policy.js';
import { announcementEdit, growthOf } from '../helper/nat/announcement-edit.js';
import { ClientRate } from '../helper/client-rate.js';
import type { Obstacle, Rewritten } from '../helper/decision.js';
import type { ExpectEffect, PromisedPinhole, Rewrite } from '../helper/effect.js';
import type { FtpHelper } from '../helper/ftp-helper.js';
import { PendingPinholes } from '../helper/pending-expectations.js';
import { candidatePorts } from '../helper/ports.js';
import { directionOf } from '../helper/nat/nat-streams.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { Pinhole, PinholeBackend } from '../kernel/pinhole.js';
import { NO_ADJUSTMENT, type StreamEdit } from '../helper/nat/stream-edits.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';

/** Tries at a pinhole that one client may cause in a second, each of up to five requests: some fifth of our time, at 20 µs each. */
export const MAX_PINHOLE_REQUESTS = 2000;

/** What came of a pinhole: `fresh`, where it was not open before. */
interface Opening {
  readonly obstacle: Obstacle | undefined;
  readonly fresh: boolean;
}

/** `undefined`: open, and announced as it came. */
export type OpenOutcome = Rewritten | Obstacle | undefined;

export interface PinholeOpenerParts {
  readonly helper: FtpHelper;
  readonly pinholes: PinholeBackend;
  readonly table: Pick<ConntrackTable, 'adjustSequence'>;
  /** Seconds an unused pinhole lives; `undefined`: as long as the anchor's policy says. */
  readonly lifetime: number | undefined;
  /** Unused pinholes that one client may have. */
  readonly mostPerClient: number;
  /** Tries at a pinhole that one client may cause in a second. */
  readonly requestsPerClient: number;
  /** Where the passive ports of the site's servers lie, if that is known. */
  readonly passivePorts: PortRange | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
}

export class PinholeOpener {
  readonly #parts: PinholeOpenerParts;
  readonly #pending: PendingPinholes;
  readonly #rate: ClientRate;

  constructor(parts: PinholeOpenerParts) {
    this.#parts = parts;
    this.#pending = new PendingPinholes(parts.mostPerClient);
    this.#rate = new ClientRate(parts.requestsPerClient);
  }

  /** Answers what the other side is told, or what stood in the way. Throws `ConntrackFtpError` for what has no name. */
  open(effect: ExpectEffect): OpenOutcome {
    const { rewrite } = effect;
    const client = effect.expected.master.source;
    const announced = effect.expected.tuple.destinationPort;
    // What is known already costs nobody a request.
    const obstacle = rewrite?.needed === true ? this.#rewriteObstacle(rewrite, announced) : undefined;
    if (obstacle !== undefined) return obstacle;
    if (!this.#mayAsk(client)) return 'too-many-announcements';
    if (!this.#mayHaveAnother(client)) return 'client-limit';
    return rewrite === undefined
      ? this.#openAt(effect, announced).obstacle
      : this.#openRewritten(effect, rewrite);
  }

  #openRewritten(effect: ExpectEffect, rewrite: Rewrite): OpenOutcome {
    const announced = effect.expected.tuple.destinationPort;
    let shifts: boolean | undefined;
    for (const port of this.#portsFor(effect)) {
      if (port !== announced && !this.#mayAsk(effect.expected.master.source)) return 'too-many-announcements';
      let edit: StreamEdit | undefined;
      if (rewrite.needed || port !== announced) {
        if (growthOf(rewrite, port) !== 0) shifts ??= this.#tryShift(effect, rewrite);
        edit = announcementEdit(rewrite, port, shifts === true);
        if (edit === undefined) return rewrite.needed ? 'no-sequence-adjustment' : 'clash';
        const obstacle = this.#parts.helper.rewriteObstacle(rewrite.at.half, edit);
        if (obstacle !== undefined) return obstacle;
      }
      const { obstacle, fresh } = this.#openAt(effect, port);
      if (obstacle === 'clash') continue;
      if (obstacle !== undefined || edit === undefined) return obstacle;
      return this.#announce(rewrite, edit, { effect, port, fresh });
    }
    return 'clash';
  }

  #rewriteObstacle(rewrite: Rewrite, port: number): Obstacle | undefined {
    const edit = announcementEdit(rewrite, port, true);
    return edit && this.#parts.helper.rewriteObstacle(rewrite.at.half, edit);
  }

  #mayAsk(client: IpAddress): boolean {
    return this.#rate.take(client, this.#parts.now());
  }

  /** At the limit the kernel is asked whether the oldest is still there: its word that it has ended may have been lost. */
  #mayHaveAnother(client: IpAddress): boolean {
    if (this.#pending.admits(client)) return true;
    const oldest = this.#pending.oldest(client);
    if (oldest === undefined || this.#parts.pinholes.isOpen(oldest, 0)) return false;
    this.#pending.ended(oldest);
    return true;
  }

  /** Closes what was opened for an announcement that goes on as it came after all. */
  close({ effect, port, fresh }: PromisedPinhole): void {
    if (!fresh) return;
    const pinhole = this.#pinhole(effect, port);
    this.#parts.pinholes.close(pinhole);
    this.#pending.ended(pinhole.tuple);
  }

  /** Conntrack says that a pinhole was used, has expired or was closed. */
  onEnded(tuple: Tuple): void {
    this.#pending.ended(tuple);
  }

  /** Forgets pinholes whose time is over, of which conntrack's word was lost. */
  expire(): void {
    this.#pending.expire(this.#parts.now());
  }

  /** Another port leads to the announced one only where this host translates; a server's keeps to the site's range. */
  #portsFor({ expected: { tuple, followMaster }, decision }: ExpectEffect): Iterable<number> {
    const { random, passivePorts } = this.#parts;
    const announced = tuple.destinationPort;
    if (followMaster === undefined) return [announced];
    return candidatePorts(
      announced,
      random,
      isPassive(decision.announcement) ? passivePorts?.last : undefined,
    );
  }

  #openAt(effect: ExpectEffect, port: number): Opening {
    const pinhole = this.#pinhole(effect, port);
    const outcome = this.#parts.pinholes.open(pinhole);
    if (outcome !== 'opened' && outcome !== 'refreshed') return { obstacle: outcome, fresh: false };
    const until = this.#parts.now() + (this.#parts.lifetime ?? POLICY_LIFETIME);
    this.#pending.opened(pinhole.tuple, pinhole.master.source, until);
    return { obstacle: undefined, fresh: outcome === 'opened' };
  }

  /** The pinhole is open; its announcement must say so. */
  #announce({ at, address }: Rewrite, edit: StreamEdit, promised: PromisedPinhole): Rewritten {
    this.#parts.helper.rewrite(at.half, edit, promised);
    return { address: at.kind === '229' ? undefined : address, port: promised.port };
  }

  /**
   * Whether the kernel can shift this connection's sequence numbers: it agrees to anything, and does nothing where the
   * connection has no room for it. So what is in force is set once more, and read back.
   */
  #tryShift({ expected }: ExpectEffect, { at: { half } }: Rewrite): boolean {
    const inForce = this.#parts.helper.adjustment(half) ?? NO_ADJUSTMENT;
    return this.#parts.table.adjustSequence(expected.master, directionOf(half), inForce) === 'adjusted';
  }

  #pinhole({ expected }: ExpectEffect, port: number): Pinhole {
    const { master, tuple, followMaster } = expected;
    const nat =
      followMaster === undefined
        ? undefined
        : { direction: followMaster.direction, tuple: { ...tuple, sourcePort: followMaster.port } };
    const { lifetime } = this.#parts;
    return { master, zone: 0, tuple: { ...tuple, destinationPort: port }, lifetime, nat };
  }
}
