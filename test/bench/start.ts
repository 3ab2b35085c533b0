/**
 * The part `start`: how long the daemon takes from the start of its process until it is ready, and until it has given its first
 * packet a verdict. Root or a user namespace: it runs in a network namespace of its own.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { conntrackFtp, loadDaemonRules } from '../lab/daemon.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Figures, Part } from './trial.js';

const PEER = path.join(import.meta.dirname, 'start-peer.mjs');
const PORT = 21;

const started = z.object({ ready: z.number(), verdict: z.number(), packets: z.number() });

/** Measured from inside the namespace, with one clock. */
async function startDaemon(): Promise<Figures> {
  const laboratory = new Laboratory();
  try {
    const host = await laboratory.namespace('host');
    await loadDaemonRules(host, [PORT]);
    const daemon = conntrackFtp('run', '--ports', String(PORT));
    const output = await host.runChecked([process.execPath, PEER, ...daemon]);
    const { ready, verdict, packets } = started.parse(JSON.parse(output));
    // Without the daemon, the rules let packets by: then no verdict was measured.
    if (packets === 0) throw new Error('the packet passed without the daemon');
    return { ready, verdict };
  } finally {
    await laboratory.close();
  }
}

/** What no program on Node can be faster than. */
function startNode(): Figures {
  const began = performance.now();
  spawnSync(process.execPath, ['-e', ''], { stdio: 'inherit' });
  return { ready: performance.now() - began };
}

export const start: Part = {
  comparisons: [
    {
      name: 'start',
      title: 'The daemon, from the start of its process',
      columns: {
        ready: { title: 'ready', unit: 'ms', compared: true },
        verdict: { title: 'first verdict', unit: 'ms' },
      },
      trials: [
        { name: 'daemon', against: 'Node alone', measure: startDaemon },
        { name: 'Node alone', measure: startNode },
      ],
      goals: [{ trial: 'daemon', column: 'ready', atMost: 200 }],
    },
  ],
};
