/**
 * Makes the expectation that an announcement asks for. Under NAT, has the announcement name the endpoint that the
 * other side must use: another address, and another port if the announced one is taken by another expectation. All of it
 * happens, or nothing.
 *
 * @module
 */
import { isPassive } from '../ftp/announcement.js';
import type { PortRange } from '../ftp/policy.js';
import { POLICY_LIFETIME } from '../wire/expectation.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';
import { ClientRate } from './client-rate.js';
import type { Conntrack, PlannedExpectation } from './conntrack.js';
import type { Obstacle, Rewritten } from './decision.js';
import type { ExpectEffect, PromisedExpectation, Rewrite } from './effect.js';
import { announcementEdit, growthOf } from './nat/announcement-edit.js';
import { directionOf, type NatStreams } from './nat/nat-streams.js';
import { NO_ADJUSTMENT, type StreamEdit } from './nat/stream-edits.js';
import { PendingExpectations } from './pending-expectations.js';
import { candidatePorts } from './ports.js';

/**
 * Attempts at an expectation that one client may cause in a second, each of up to five netlink requests: about a fifth of one
 * processor at 20 µs each.
 */
export const MAX_EXPECT_ATTEMPTS = 2000;

/** The result of one attempt; `fresh`: the expectation was not there before. */
interface Attempt {
  readonly obstacle: Obstacle | undefined;
  readonly fresh: boolean;
}

/** `undefined`: expected, and announced as it came. */
export type OpenOutcome = Rewritten | Obstacle | undefined;

export interface OpenerOptions {
  /** Seconds that an unused expectation lives; `undefined`: as long as the carrier helper's policy says. */
  readonly expectSeconds?: number | undefined;
  /** Unused expectations that one client may have. */
  readonly maxExpectationsPerClient: number;
  /** Attempts at an expectation that one client may cause in a second; `MAX_EXPECT_ATTEMPTS` unless given. */
  readonly maxExpectAttemptsPerClient?: number;
  /** Numbers from 0 to below 1, for the choice of another port. */
  readonly random: () => number;
  /** The packets are a record that cannot be changed: decide what would be announced, but rewrite nothing. */
  readonly observing?: boolean;
}

export class Opener {
  readonly #options: OpenerOptions;
  readonly #passivePorts: PortRange | undefined;
  readonly #conntrack: Conntrack;
  readonly #natStreams: NatStreams;
  readonly #pending: PendingExpectations;
  readonly #rate: ClientRate;

  /** @param passivePorts  the passive ports of the site's servers, if they are known */
  constructor(
    options: OpenerOptions,
    passivePorts: PortRange | undefined,
    conntrack: Conntrack,
    natStreams: NatStreams,
  ) {
    this.#options = options;
    this.#passivePorts = passivePorts;
    this.#conntrack = conntrack;
    this.#natStreams = natStreams;
    this.#pending = new PendingExpectations(options.maxExpectationsPerClient);
    this.#rate = new ClientRate(options.maxExpectAttemptsPerClient ?? MAX_EXPECT_ATTEMPTS);
  }

  /** Returns what the other side is told, or what stood in the way. Throws what `Conntrack` throws. */
  open(effect: ExpectEffect, now: number): OpenOutcome {
    const { rewrite } = effect;
    const client = effect.expected.master.source;
    const announced = effect.expected.tuple.destinationPort;
    // Checks that need no kernel request come first.
    const obstacle = rewrite?.needed === true ? this.#rewriteObstacle(rewrite, announced) : undefined;
    if (obstacle !== undefined) return obstacle;
    if (!this.#rate.take(client, now)) return 'too-many-announcements';
    if (!this.#mayHaveAnother(client)) return 'client-limit';
    return rewrite === undefined
      ? this.#expectAt(effect, announced, now).obstacle
      : this.#openRewritten(effect, rewrite, now);
  }

  /** Cancels what was expected for an announcement that is forwarded unchanged after all. */
  cancel({ effect, port, fresh }: PromisedExpectation): void {
    if (!fresh) return;
    const expectation = this.#expectationOf(effect, port);
    this.#conntrack.cancel(expectation);
    this.#pending.ended(expectation.tuple);
  }

  /** Conntrack reports that an expectation was used, has expired or was removed. */
  onEnded(tuple: Tuple): void {
    this.#pending.ended(tuple);
  }

  /** Forgets expectations whose time is over; conntrack's report of it may have been lost. */
  expire(now: number): void {
    this.#pending.expire(now);
  }

  #openRewritten(effect: ExpectEffect, rewrite: Rewrite, now: number): OpenOutcome {
    const announced = effect.expected.tuple.destinationPort;
    let shifts: boolean | undefined;
    for (const port of this.#portsFor(effect)) {
      if (port !== announced && !this.#rate.take(effect.expected.master.source, now)) {
        return 'too-many-announcements';
      }
      let edit: StreamEdit | undefined;
      if (rewrite.needed || port !== announced) {
        if (growthOf(rewrite, port) !== 0) shifts ??= this.#canShift(effect, rewrite);
        edit = announcementEdit(rewrite, port, shifts === true);
        if (edit === undefined) return rewrite.needed ? 'no-sequence-adjustment' : 'clash';
        const obstacle = this.#natStreams.obstacle(rewrite.at.half, edit);
        if (obstacle !== undefined) return obstacle;
      }
      const { obstacle, fresh } = this.#expectAt(effect, port, now);
      if (obstacle === 'clash') continue;
      if (obstacle !== undefined || edit === undefined) return obstacle;
      return this.#announce(rewrite, edit, { effect, port, fresh });
    }
    return 'clash';
  }

  #rewriteObstacle(rewrite: Rewrite, port: number): Obstacle | undefined {
    const edit = announcementEdit(rewrite, port, true);
    return edit && this.#natStreams.obstacle(rewrite.at.half, edit);
  }

  /** At the limit, asks the kernel whether the oldest one is still there: the report of its end may have been lost. */
  #mayHaveAnother(client: IpAddress): boolean {
    if (this.#pending.admits(client)) return true;
    const oldest = this.#pending.oldest(client);
    if (oldest === undefined || this.#conntrack.isExpected(oldest)) return false;
    this.#pending.ended(oldest);
    return true;
  }

  /** Another port leads to the announced one only if this host does the NAT; a server's port stays in the site's range. */
  #portsFor({ expected: { tuple, followMaster }, decision }: ExpectEffect): Iterable<number> {
    const announced = tuple.destinationPort;
    if (followMaster === undefined) return [announced];
    const last = isPassive(decision.announcement) ? this.#passivePorts?.last : undefined;
    return candidatePorts(announced, this.#options.random, last);
  }

  #expectAt(effect: ExpectEffect, port: number, now: number): Attempt {
    const expectation = this.#expectationOf(effect, port);
    const outcome = this.#conntrack.expect(expectation);
    if (outcome !== 'opened' && outcome !== 'refreshed') return { obstacle: outcome, fresh: false };
    const until = now + (this.#options.expectSeconds ?? POLICY_LIFETIME);
    this.#pending.opened(expectation.tuple, expectation.master.source, until);
    return { obstacle: undefined, fresh: outcome === 'opened' };
  }

  /** The expectation is in force; its announcement must say so. */
  #announce({ at, address }: Rewrite, edit: StreamEdit, promised: PromisedExpectation): Rewritten {
    if (this.#options.observing !== true) this.#natStreams.plan(at.half, edit, promised);
    return { address: at.kind === '229' ? undefined : address, port: promised.port, edit };
  }

  /**
   * Whether the kernel can shift this connection's sequence numbers. It accepts any adjustment, and does nothing if
   * the connection has no room for one. So the adjustment in force is set once more, and read back.
   */
  #canShift({ expected }: ExpectEffect, { at: { half } }: Rewrite): boolean {
    const inForce = this.#natStreams.adjustment(half) ?? NO_ADJUSTMENT;
    return this.#conntrack.adjustSequence(expected.master, directionOf(half), inForce) === 'adjusted';
  }

  #expectationOf({ expected }: ExpectEffect, port: number): PlannedExpectation {
    const { master, tuple, followMaster } = expected;
    const nat =
      followMaster === undefined
        ? undefined
        : { direction: followMaster.direction, tuple: { ...tuple, sourcePort: followMaster.port } };
    const lifetime = this.#options.expectSeconds;
    return { master, tuple: { ...tuple, destinationPort: port }, lifetime, nat };
  }
}
