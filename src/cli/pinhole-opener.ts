/**
 * Opens the pinhole that an announcement asks for and, where the connection is translated, has the announcement
 * name the endpoint that the other side must use: another address, and another port where the announced one is expected
 * by somebody else. All of it or nothing.
 *
 * @module
 */
import { announcementEdit } from '../helper/announcement-edit.js';
import type { Obstacle, Rewritten } from '../helper/decision.js';
import type { ExpectEffect, PromisedPinhole, Rewrite } from '../helper/effect.js';
import type { FtpHelper } from '../helper/ftp-helper.js';
import { PendingPinholes } from '../helper/pending-pinholes.js';
import { candidatePorts } from '../helper/port-choice.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { Pinhole, PinholeBackend } from '../kernel/pinhole.js';
import { NO_ADJUSTMENT, type StreamEdit } from '../tcp/stream-edits.js';
import type { Tuple } from '../wire/tuple.js';

/** Of the helpers that can be an anchor, seconds (their policies in the kernel). */
const LONGEST_POLICY_LIFETIME = 300;

/** `undefined`: open, and announced as it came. */
export type OpenOutcome = Rewritten | Obstacle | undefined;

export interface PinholeOpenerParts {
  readonly helper: FtpHelper;
  readonly pinholes: PinholeBackend;
  readonly table: ConntrackTable;
  /** Seconds an unused pinhole lives; `undefined`: as long as the anchor's policy says. */
  readonly lifetime: number | undefined;
  /** Unused pinholes that one client may have. */
  readonly mostPerClient: number;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
}

export class PinholeOpener {
  readonly #parts: PinholeOpenerParts;
  readonly #pending: PendingPinholes;

  constructor(parts: PinholeOpenerParts) {
    this.#parts = parts;
    this.#pending = new PendingPinholes(parts.mostPerClient);
  }

  /** Answers what the other side is told, or what stood in the way. Throws `ConntrackFtpError` for what has no name. */
  open(effect: ExpectEffect): OpenOutcome {
    const announced = effect.expected.tuple.destinationPort;
    const { rewrite } = effect;
    if (!this.#pending.admits(effect.expected.master.source)) return 'client-limit';
    if (rewrite === undefined) return this.#openAt(effect, announced);
    for (const port of this.#portsFor(effect)) {
      const asItCame = !rewrite.needed && port === announced;
      const edit = asItCame ? undefined : announcementEdit(rewrite, port, this.#canShift(effect));
      if (!asItCame && edit === undefined) return rewrite.needed ? 'no-sequence-adjustment' : 'clash';
      const outcome = this.#openAt(effect, port);
      if (outcome === 'clash') continue;
      return edit === undefined || outcome !== undefined
        ? outcome
        : this.#announce(effect, rewrite, port, edit);
    }
    return 'clash';
  }

  /** Closes what was opened for an announcement that goes on as it came after all. */
  close({ effect, port }: PromisedPinhole): void {
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

  /** Another port leads to the announced one only where this host translates. */
  #portsFor({ expected: { tuple, followMaster } }: ExpectEffect): Iterable<number> {
    const announced = tuple.destinationPort;
    return followMaster === undefined ? [announced] : candidatePorts(announced, this.#parts.random);
  }

  #openAt(effect: ExpectEffect, port: number): Obstacle | undefined {
    const pinhole = this.#pinhole(effect, port);
    const outcome = this.#parts.pinholes.open(pinhole);
    if (outcome !== 'opened' && outcome !== 'refreshed') return outcome;
    const until = this.#parts.now() + (this.#parts.lifetime ?? LONGEST_POLICY_LIFETIME);
    this.#pending.opened(pinhole.tuple, pinhole.master.source, until);
    return undefined;
  }

  /** The pinhole is open; its announcement must say so. */
  #announce(effect: ExpectEffect, { at, address }: Rewrite, port: number, edit: StreamEdit): OpenOutcome {
    const promised = { effect, port };
    const obstacle = this.#parts.helper.rewrite(at.half, edit, promised);
    if (obstacle !== undefined) this.close(promised);
    return obstacle ?? { address: at.kind === '229' ? undefined : address, port };
  }

  /**
   * Whether the kernel can shift this connection's sequence numbers: it agrees to anything, and does nothing where the
   * connection has no room for it. So what is in force is set once more, and read back.
   */
  #canShift({ expected, rewrite }: ExpectEffect): boolean {
    if (rewrite === undefined) return false;
    const { half } = rewrite.at;
    const inForce = this.#parts.helper.adjustment(half) ?? NO_ADJUSTMENT;
    const direction = (half & 1) === 0 ? 'original' : 'reply';
    return this.#parts.table.adjustSequence(expected.master, direction, inForce) === 'adjusted';
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
