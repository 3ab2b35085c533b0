/**
 * NAT between two bad links: segments are lost, reordered and duplicated on both sides of the gateway. Announcements are
 * still rewritten, control connections survive, and conntrack finds no segment invalid.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeEnding } from '../lab/command.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { SMALL_FILES } from '../lab/ftp-root.js';
import { ImpairedLink } from '../lab/impaired-link.js';
import { InvalidPackets } from '../lab/invalid-packets.js';
import type { Join } from '../lab/topology.js';
import { arrivedWhole } from './nat-session.js';
import { CASES, openTranslated, translate, type Case } from './nat-shapes.js';
import type { Scene } from './scene.js';

const CLIENT = join(import.meta.dirname, 'session-client.py');
const IMPAIRED = CASES.filter(({ shape, mode }) => shape.name === 'SNAT and DNAT' && mode !== 'EPSV');
/** In each case, at once. */
const SESSIONS = 4;
const LISTINGS = ['listing-1', 'listing-2', 'listing-3', 'listing-4'] as const;
const TRANSFERS = LISTINGS.length + SMALL_FILES.length;

describe('between links that lose, reorder and duplicate', () => {
  const links: ImpairedLink[] = [];
  const impair: Join = async (laboratory, one, other) => {
    const settings = { controlPort: 21, seed: other.device };
    links.push(await ImpairedLink.join(laboratory, one, other, settings));
  };
  let scene: Scene;
  let daemon: Daemon;
  let invalid: InvalidPackets;
  beforeAll(async () => {
    scene = await openTranslated(DEFAULT_ANCHOR, impair);
    await loadDaemonRules(scene.topology.firewall, [21]);
    invalid = await InvalidPackets.watch(scene.laboratory, scene.topology.firewall);
    daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21] });
    return () => scene.laboratory.close();
  });

  /** Four listings and two downloads in one session, after which the control connection still works. */
  async function passesWhole({ shape, mode, family }: Case): Promise<void> {
    const { server, topology, laboratory } = scene;
    const into = laboratory.makeFolder('impaired');
    const target = [shape.target?.[family] ?? server.host.address[family], String(server.settings.port)];
    const { user, password } = server.program.login;
    const completed = await topology.client.namespace.run(
      ['/usr/bin/python3', CLIENT, mode, ...target, user, password, into, ...SMALL_FILES],
      { deadlineMs: 50_000 },
    );
    expect(completed.status, `${describeEnding(completed)}\n${daemon.log}`).toBe(0);
    expect(arrivedWhole(scene, into)).toBe(true);
    const listings = LISTINGS.map((name) => readFileSync(join(into, name), 'latin1'));
    expect(listings.map((text) => SMALL_FILES.every((name) => text.includes(name)))).toEqual(
      LISTINGS.map(() => true),
    );
  }

  it.each(IMPAIRED)(
    '$label: sessions of four listings and two downloads',
    { timeout: 120_000 },
    async (row) => {
      await translate(scene, row.shape);
      const seen = daemon.decisions.length;
      await Promise.all(Array.from({ length: SESSIONS }, () => passesWhole(row)));
      const decisions = await daemon.awaitDecisions(SESSIONS * TRANSFERS, seen);
      expect(decisions.map(({ decision, reason }) => [decision, reason])).toEqual(
        Array(SESSIONS * TRANSFERS).fill(['expected', undefined]),
      );
      expect(await invalid.found()).toEqual([]);
    },
  );

  it('had links that impaired its segments', async () => {
    for (const link of links) {
      const { control, data } = await link.stop();
      console.log(JSON.stringify({ control, data }));
      for (const { lost, duplicated, overtaken } of [control, data]) {
        expect(Math.min(lost, duplicated, overtaken)).toBeGreaterThan(0);
      }
    }
  });

  it('ends cleanly', async () => {
    await daemon.stop();
    // Retransmissions are rewritten again.
    expect(daemon.counter('rewritten')).toBeGreaterThanOrEqual(IMPAIRED.length * SESSIONS * TRANSFERS);
    expect(daemon.counter('defects')).toBe(0);
  });
});
