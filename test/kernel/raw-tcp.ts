/**
 * A host that sends TCP segments with given sequence numbers and reports the segments that arrive. Its own kernel
 * does not take part in the connections: its resets are dropped.
 *
 * @module
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { waitFor } from '../lab/condition.js';
import { labEnvironment } from '../lab/environment.js';
import { restoreRules } from '../lab/firewall.js';
import type { Namespace } from '../lab/namespace.js';

/** A segment to send. Without `TCP_FLAGS.ack` the acknowledgment is an arbitrary number. */
export interface Segment {
  readonly sequence: number;
  readonly acknowledgment: number;
  /** `TCP_FLAGS` */
  readonly flags: number;
  /** First number and number after the last, of each block of a SACK option; empty: no option. */
  readonly sack: readonly (readonly [start: number, end: number])[];
  /** Characters up to 255, one byte each. */
  readonly payload: string;
  /** Default: the largest. */
  readonly window?: number;
  readonly urgentPointer?: number;
  readonly wrongChecksum?: boolean;
  /** Time to live or hop limit. */
  readonly hops?: number;
  /** An IPv6 header of destination options before the segment. */
  readonly destinationOptions?: boolean;
  /** Sends the segment as fragments with these byte ranges, in this order; the header of `HEADER_BYTES` counts. */
  readonly fragments?: readonly (readonly [start: number, end: number])[];
}

/** Header length of a segment without SACK blocks: the fixed header and the label. */
export const HEADER_BYTES = 24;

const DEFAULTS = {
  ...{ window: 0xffff, urgentPointer: 0, wrongChecksum: false },
  ...{ hops: 64, destinationOptions: false, fragments: [] },
} as const;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const number = z.number().int();
const arrival = z.object({
  label: number,
  source: z.string(),
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgment: number,
  flags: number,
  sack: z.array(z.tuple([number, number])),
  payload: z.string(),
  checksumRight: z.boolean(),
});
export type Arrival = z.infer<typeof arrival>;

/** Labels are 16 bits wide. */
const LABEL_COUNT = 0x1_0000;

const SCRIPT = fileURLToPath(new URL('raw-tcp.py', import.meta.url));
/**
 * `OWN_MARK` in the script, which marks its packets. Without it, TCP matches would drop fragments that split the
 * TCP header.
 */
const OWN_MARK = 1;
const WITHOUT_RESETS = `*filter
-A OUTPUT -m mark --mark ${OWN_MARK} -j ACCEPT
-A OUTPUT -p tcp --tcp-flags RST RST -j DROP
COMMIT
`;

export class RawTcp {
  readonly address: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  /** Keyed by label. */
  readonly #arrivals = new Map<number, Arrival>();
  /** Label of the last segment sent, over all hosts, so that labels are unique among them. */
  static #label = 0;

  private constructor(address: string, child: ChildProcessByStdio<Writable, Readable, null>) {
    this.address = address;
    this.#child = child;
    // A write to a process that has ended fails; callers notice by the missing arrival.
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const arrived = arrival.parse(JSON.parse(line));
      this.#arrivals.set(arrived.label, arrived);
    });
  }

  /** The process ends when the namespace is removed. */
  static async start(namespace: Namespace, address: string): Promise<RawTcp> {
    await restoreRules(namespace, WITHOUT_RESETS);
    const [program, ...args] = namespace.enter(['/usr/bin/python3', SCRIPT, address]);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: labEnvironment() });
    await once(child, 'spawn');
    return new RawTcp(address, child);
  }

  /** Sends a segment and returns its label, which travels as a TCP option that no host on the path changes. */
  send(sourcePort: number, to: Endpoint, segment: Segment): number {
    const label = (RawTcp.#label + 1) % LABEL_COUNT;
    RawTcp.#label = label;
    const route = { sourcePort, destination: to.address, destinationPort: to.port };
    this.#child.stdin.write(`${JSON.stringify({ ...DEFAULTS, ...segment, ...route, label })}\n`);
    return label;
  }

  /** The segment with this label, if it has arrived. */
  arrived(label: number): Arrival | undefined {
    return this.#arrivals.get(label);
  }

  async awaitArrival(label: number): Promise<Arrival> {
    return waitFor(`segment ${label} at ${this.address}`, () => this.arrived(label));
  }
}
