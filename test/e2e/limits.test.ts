/**
 * The limits per client, on the real kernel: beyond them announcements open nothing, and control connections continue.
 *
 * @module
 */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { flushConnections } from '../lab/conntrack.js';
import { Daemon, loadDaemonRules } from '../lab/daemon.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { openScene, type Scene } from './scene.js';

const SCRIPT = join(import.meta.dirname, 'many-sessions.mjs');
const port = (number: number): string => `PORT 10,1,0,2,${number >> 8},${number & 0xff}`;

describe('limits', () => {
  let scene: Scene;
  let daemon: Daemon | undefined;
  beforeAll(async () => {
    scene = await openScene({ placement: 'gateway', program: vsftpd });
    await loadDaemonRules(scene.topology.firewall, [21]);
    return () => scene.laboratory.close();
  });
  afterEach(async () => {
    await daemon?.stop();
    await flushConnections(scene.topology.firewall);
  });

  /** Sends `commands` in turn in `sessions` sessions, and returns the reply codes. */
  async function say(sessions: number, commands: readonly string[]): Promise<string[]> {
    const { client, server } = scene.topology;
    const command = [process.execPath, SCRIPT, server.address[4], String(sessions)] as const;
    const { stdout } = await client.namespace.run(command, { input: `${commands.join('\n')}\n` });
    return stdout
      .split('\n')
      .slice(1, -1)
      .map((reply) => reply.slice(0, 3));
  }

  async function start(...options: string[]): Promise<Daemon> {
    daemon = await Daemon.start(scene.laboratory, scene.topology.firewall, { ports: [21], options });
    return daemon;
  }

  const outcomes = (running: Daemon): (string | undefined)[] =>
    running.decisions.map(({ decision, reason }) => reason ?? decision);

  it('connections of a client above the limit evict each other, and all of them continue', async () => {
    const running = await start('--max-connections-per-client', '2');
    expect(await say(3, [port(4001), port(4002), port(4003), 'NOOP', 'NOOP', 'NOOP'])).toEqual(
      Array(6).fill('200'),
    );
    await running.stop();
    expect(running.counter('connectionsDisplacedByOwn')).toBeGreaterThan(0);
    expect(running.log).not.toContain('"event":"released"');
  });

  it('expectations above the limit of a client are refused until one has ended', async () => {
    const running = await start('--max-expectations-per-client', '2');
    const announcements = [port(4001), port(4002), port(4003)];
    expect(await say(3, announcements)).toEqual(Array(3).fill('200'));
    expect(outcomes(running)).toEqual(['expected', 'expected', 'client-limit']);
    // They ended with their control connections.
    await flushConnections(scene.topology.firewall);
    expect(await say(3, announcements)).toEqual(Array(3).fill('200'));
    expect(outcomes(running).slice(3)).toEqual(['expected', 'expected', 'client-limit']);
  });

  it('a flood of refusals is counted instead of logged', async () => {
    const running = await start('--log-rate', '5');
    const bounces = Array<string>(200).fill('PORT 10,9,9,9,78,32');
    expect(new Set(await say(1, bounces))).toEqual(new Set(['500']));
    await running.stop();
    const logged = running.decisions.length;
    expect(running.counter('refused')).toBe(200);
    expect(running.counter('linesSuppressed')).toBe(200 - logged);
    expect(logged).toBeLessThan(200);
  });
});
