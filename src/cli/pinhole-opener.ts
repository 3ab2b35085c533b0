/**
 * Opens the pinhole that an announcement asks for and, where the connection is translated, has the announcement
 * name the endpoint that the other side must use: another address, and another port where the announced one is expected
 * by somebody else. All of it or nothing.
 *
 * @module
 */
import type { Obstacle } from '../helper/decision.js';
import type { ExpectEffect } from '../helper/effect.js';
import type { FtpHelper } from '../helper/ftp-helper.js';
import { candidatePorts } from '../helper/port-choice.js';
import type { ConntrackTable } from '../kernel/conntrack-table.js';
import type { Pinhole, PinholeBackend } from '../kernel/pinhole.js';
import { NO_ADJUSTMENT } from '../tcp/stream-edits.js';

export interface PinholeOpenerParts {
  readonly helper: FtpHelper;
  readonly pinholes: PinholeBackend;
  readonly table: ConntrackTable;
  /** Seconds an unused pinhole lives; `undefined`: as long as the anchor's policy says. */
  readonly lifetime: number | undefined;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
}

export class PinholeOpener {
  readonly #parts: PinholeOpenerParts;

  constructor(parts: PinholeOpenerParts) {
    this.#parts = parts;
  }

  /** Answers what stood in the way, if anything did. Throws `ConntrackFtpError` for what has no name. */
  open(effect: ExpectEffect): Obstacle | undefined {
    const announced = effect.expected.tuple.destinationPort;
    if (effect.rewrite === undefined) return this.#openAt(effect, announced);
    const rewritable = this.#canShift(effect);
    if (effect.rewrite.needed && !rewritable) return 'no-sequence-adjustment';
    for (const port of candidatePorts(announced, this.#parts.random)) {
      const obstacle = this.#openAt(effect, port);
      if (obstacle !== 'clash') return obstacle ?? this.#announce(effect, port);
      if (!rewritable) return obstacle;
    }
    return 'clash';
  }

  #openAt(effect: ExpectEffect, port: number): Obstacle | undefined {
    const outcome = this.#parts.pinholes.open(this.#pinhole(effect, port));
    return outcome === 'opened' || outcome === 'refreshed' ? undefined : outcome;
  }

  /** The pinhole is open; where its endpoint is not the announced one, the announcement must say so. */
  #announce(effect: ExpectEffect, port: number): Obstacle | undefined {
    const asAnnounced = effect.rewrite?.needed !== true && port === effect.expected.tuple.destinationPort;
    const obstacle = asAnnounced ? undefined : this.#parts.helper.rewrite(effect, port);
    if (obstacle !== undefined) this.#parts.pinholes.close(this.#pinhole(effect, port));
    return obstacle;
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
