/** What an announcement may cost the kernel, and what is open after it. The kernel's answers are given by the tests. */
import { describe, expect, it } from 'vitest';
import {
  MAX_PINHOLE_REQUESTS,
  PinholeOpener,
  type OpenOutcome,
  type PinholeOpenerParts,
} from '../../src/daemon/pinhole-opener.js';
import { PORT_ATTEMPTS } from '../../src/helper/ports.js';
import type { AdjustmentOutcome } from '../../src/kernel/conntrack-table.js';
import type { Pinhole, PinholeBackend, PinholeOutcome } from '../../src/kernel/pinhole.js';
import { ACK, newHelper, SYN, tuple } from '../helper/dialogue.js';
import { tcpPacket } from '../wire/packets.js';

const CLIENT = '10.1.0.2:40000';
const SERVER = '10.2.0.2:21';
const original = tuple(`${CLIENT} > ${SERVER}`);
const CLIENT_OUTSIDE = '198.51.100.20:50000';
const reply = tuple(`${SERVER} > ${CLIENT_OUTSIDE}`);

/** Answers as it is told, and keeps what it was asked. */
class Kernel implements PinholeBackend {
  readonly name = 'told';
  readonly opened: Pinhole[] = [];
  readonly closed: Pinhole[] = [];
  adjustments = 0;
  /** Whether pinholes of earlier announcements are still open. */
  stillOpen = true;
  outcome: PinholeOutcome = 'opened';
  adjustment: AdjustmentOutcome = 'adjusted';

  open(pinhole: Pinhole): PinholeOutcome {
    this.opened.push(pinhole);
    return this.outcome;
  }

  isOpen(): boolean {
    return this.stillOpen;
  }

  close(pinhole: Pinhole): boolean {
    this.closed.push(pinhole);
    return true;
  }

  adjustSequence(): AdjustmentOutcome {
    this.adjustments++;
    return this.adjustment;
  }
}

class Site {
  readonly kernel = new Kernel();
  readonly helper = newHelper({ lookup: () => ({ original, reply, id: 1 }) });
  readonly opener: PinholeOpener;
  now = 100;
  #clientNext = 1000;
  #serverNext = 9000;

  constructor(parts: Partial<PinholeOpenerParts> = {}) {
    this.opener = new PinholeOpener({
      helper: this.helper,
      pinholes: this.kernel,
      table: this.kernel,
      lifetime: undefined,
      mostPerClient: 1_000_000,
      requestsPerClient: MAX_PINHOLE_REQUESTS,
      passivePorts: undefined,
      now: () => this.now,
      random: () => 0.5,
      ...parts,
    });
    const flags = SYN | ACK;
    const numbers = { sequence: this.#serverNext - 1, acknowledgment: this.#clientNext };
    this.#segment(tcpPacket({ source: SERVER, destination: CLIENT_OUTSIDE, ...numbers, flags }));
    this.server('220 ready\r\n');
  }

  client(payload: string): OpenOutcome[] {
    const segment = { sequence: this.#clientNext, acknowledgment: this.#serverNext };
    this.#clientNext += payload.length;
    return this.#segment(tcpPacket({ source: CLIENT, destination: SERVER, ...segment, payload }));
  }

  server(payload: string): OpenOutcome[] {
    const segment = { sequence: this.#serverNext, acknowledgment: this.#clientNext };
    this.#serverNext += payload.length;
    return this.#segment(tcpPacket({ source: SERVER, destination: CLIENT_OUTSIDE, ...segment, payload }));
  }

  #segment(packet: Buffer): OpenOutcome[] {
    return this.helper
      .onPacket(packet, 0, packet.length, this.now, 1)
      .flatMap((effect) => (effect.kind === 'expect' ? [this.opener.open(effect)] : []));
  }
}

const PORT = 'PORT 10,1,0,2,156,64\r\n';

describe('an announcement', () => {
  it('whose ports are all taken costs so many requests, and one look at the adjustment', () => {
    const site = new Site();
    site.kernel.outcome = 'clash';
    expect(site.client(PORT)).toEqual(['clash']);
    expect(site.kernel.opened).toHaveLength(1 + PORT_ATTEMPTS);
    expect(site.kernel.adjustments).toBe(1);
  });

  it('that cannot be rewritten costs no pinhole', () => {
    const site = new Site();
    site.kernel.adjustment = 'no-room';
    expect(site.client(PORT)).toEqual(['no-sequence-adjustment']);
    expect(site.kernel.opened).toEqual([]);
  });

  it('beyond those that may be under way costs no pinhole', () => {
    const site = new Site();
    const outcomes = site.client(PORT.repeat(20));
    expect(outcomes.slice(16)).toEqual(Array(4).fill('too-many-rewrites'));
    expect([site.kernel.opened.length, site.kernel.adjustments]).toEqual([16, 16]);
  });

  it('beyond those of a client in a second is refused, and asks for nothing', () => {
    const site = new Site();
    site.kernel.outcome = 'clash';
    const announcements = Array.from({ length: MAX_PINHOLE_REQUESTS / (1 + PORT_ATTEMPTS) + 2 }, () =>
      site.client(PORT),
    );
    expect(announcements.at(-1)).toEqual(['too-many-announcements']);
    expect(site.kernel.opened).toHaveLength(MAX_PINHOLE_REQUESTS);
    site.now++;
    expect(site.client(PORT)).toEqual(['clash']);
  });

  it('beyond those of a client that are not used is refused while the kernel has them', () => {
    const site = new Site({ mostPerClient: 2 });
    const port = (number: number): OpenOutcome[] => site.client(`PORT 10,1,0,2,156,${number}\r\n`);
    expect([port(1), port(2), port(3)].map(([outcome]) => typeof outcome)).toEqual([
      'object',
      'object',
      'string',
    ]);
    // Conntrack's word that they have ended was lost.
    site.kernel.stillOpen = false;
    expect([port(4), port(5)].map(([outcome]) => typeof outcome)).toEqual(['object', 'object']);
  });

  it('of a server keeps to the passive ports of the site', () => {
    const site = new Site({ passivePorts: { first: 40_000, last: 40_003 } });
    site.kernel.outcome = 'clash';
    site.client('EPSV\r\n');
    expect(site.server('229 ok (|||40000|)\r\n')).toEqual(['clash']);
    const ports = new Set(site.kernel.opened.map((pinhole) => pinhole.tuple.destinationPort));
    expect([...ports].every((port) => port >= 40_000 && port <= 40_003)).toBe(true);
  });
});

describe('a pinhole that is taken back', () => {
  const promise = (site: Site, fresh: boolean): void => {
    site.kernel.outcome = fresh ? 'opened' : 'refreshed';
    site.client(PORT);
    site.helper.giveUp(original);
    for (const promised of site.helper.takeWithdrawn()) site.opener.close(promised);
  };

  it('is closed where it was opened for this announcement', () => {
    const site = new Site();
    promise(site, true);
    expect(site.kernel.closed).toEqual(site.kernel.opened);
  });

  it('stays where it was open for an earlier one', () => {
    const site = new Site();
    promise(site, false);
    expect(site.kernel.closed).toEqual([]);
  });
});
