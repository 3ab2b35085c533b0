/**
 * A link that loses, delays past later ones and duplicates TCP segments: `impaired-link.py` between two interfaces, in a
 * namespace of its own. It does the work of netem, which kernels often lack.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Laboratory } from './laboratory.js';
import { turnOffloadsOff } from './offloads.js';
import type { RunningProcess } from './running-process.js';
import type { Attachment } from './topology.js';

const SCRIPT = fileURLToPath(new URL('impaired-link.py', import.meta.url));

const counts = z.object({
  segments: z.number(),
  lost: z.number(),
  duplicated: z.number(),
  /** Forwarded after a later segment of the same direction of the same connection. */
  overtaken: z.number(),
});
const impairments = z.object({ control: counts, data: counts, overruns: z.number() });
/** What was done to the segments of control connections, and to those of data connections; and frames lost for want of time. */
export type Impairments = z.infer<typeof impairments>;

export interface ImpairedLinkSettings {
  readonly controlPort: number;
  /** Seed of the random numbers: the same seed impairs the same segments in the same way. */
  readonly seed: string;
  /** The share of segments that is lost; one in twenty by default. */
  readonly loss?: number;
}

const USUAL_LOSS = 0.05;

export class ImpairedLink {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  /** Joins `one` and `other` by two new interfaces; the link forwards when this resolves. */
  static async join(
    laboratory: Laboratory,
    one: Attachment,
    other: Attachment,
    { controlPort, seed, loss = USUAL_LOSS }: ImpairedLinkSettings,
  ): Promise<ImpairedLink> {
    const cable = await laboratory.namespace('cable');
    // No host on the link sends anything on its own.
    await cable.setParameters({ 'net.ipv6.conf.default.disable_ipv6': '1' });
    for (const [end, { namespace, device }] of [
      ['near', one],
      ['far', other],
    ] as const) {
      await namespace.connect(device, cable, end);
      await turnOffloadsOff(namespace, device);
    }
    await cable.configure(['link set near up', 'link set far up']);
    const program = [
      '/usr/bin/python3',
      SCRIPT,
      'near',
      'far',
      String(controlPort),
      seed,
      String(loss),
    ] as const;
    const running = await laboratory.start(cable, program);
    await running.waitUntil('forwarding', () => running.stdout.includes('forwarding'));
    return new ImpairedLink(running);
  }

  /** Stops the link, and returns what it did. */
  async stop(): Promise<Impairments> {
    const { status } = await this.#process.stop('SIGTERM');
    if (status !== 0) throw new Error(`did not end cleanly: ${this.#process.describe()}`);
    return impairments.parse(JSON.parse(this.#process.stdout.at(-1) ?? ''));
  }
}
