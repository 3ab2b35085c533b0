/**
 * Carries out what a packet causes, in order, before its verdict: expectations, refusals, releases
 * and cancellations. Each is counted and reported once.
 *
 * @module
 */
import { ConntrackFtpError } from '../errors.js';
import type { Conntrack } from './conntrack.js';
import type { HelperCounters } from './counters.js';
import type { Effect, ExpectEffect, PromisedExpectation, ReleaseCause } from './effect.js';
import type { HelperEvents } from './events.js';
import type { Opener, OpenOutcome } from './opener.js';

const RELEASE_COUNTERS = {
  encrypted: 'encrypted',
  'not-ftp': 'notFtp',
} as const satisfies Record<ReleaseCause, keyof HelperCounters>;

export class Effects {
  readonly #opener: Opener;
  readonly #conntrack: Conntrack;
  readonly #events: HelperEvents;
  readonly #counters: HelperCounters;

  constructor(opener: Opener, conntrack: Conntrack, events: HelperEvents, counters: HelperCounters) {
    this.#opener = opener;
    this.#conntrack = conntrack;
    this.#events = events;
    this.#counters = counters;
  }

  /** @param now  seconds since 1970 */
  carryOut(effect: Effect, now: number): void {
    switch (effect.kind) {
      case 'expect':
        this.#expect(effect, now);
        break;
      case 'refuse':
        this.#counters.refused++;
        this.#events.decision(effect.decision);
        break;
      case 'release':
        this.#release(effect);
        break;
    }
  }

  /** The expectation is cancelled: its announcement is forwarded unchanged. */
  withdraw(promised: PromisedExpectation): void {
    this.#counters.withdrawn++;
    try {
      this.#opener.cancel(promised);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#events.rejected(promised.effect.expected, error);
    }
    this.#events.withdrawn(promised.effect.decision);
  }

  #expect(effect: ExpectEffect, now: number): void {
    const outcome = this.#open(effect, now);
    if (typeof outcome === 'string') {
      this.#counters.refused++;
      this.#events.decision({ ...effect.decision, refusal: outcome });
    } else {
      this.#counters.expected++;
      this.#events.decision(effect.decision, outcome);
    }
  }

  #open(effect: ExpectEffect, now: number): OpenOutcome {
    try {
      return this.#opener.open(effect, now);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#events.rejected(effect.expected, error);
      return 'kernel-refused';
    }
  }

  #release({ connection, cause }: Extract<Effect, { kind: 'release' }>): void {
    this.#counters[RELEASE_COUNTERS[cause]]++;
    try {
      this.#conntrack.release(connection);
      this.#events.released(connection, cause);
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
      this.#events.released(connection, cause, error);
    }
  }
}
