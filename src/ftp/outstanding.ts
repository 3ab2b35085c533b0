/**
 * The commands of each connection that have not been answered, oldest first: every final reply answers the
 * oldest (RFC 959 §5.4). A ring of a byte per command for each flow.
 *
 * @module
 */

/** What a reply has to know of the command that it answers. */
export const COMMANDS = {
  /** No command is outstanding. */
  none: 0,
  /** More commands have been outstanding than the ring remembers: which one is the oldest is not known. */
  forgotten: 1,
  pasv: 2,
  epsv: 3,
  epsvAll: 4,
  rein: 5,
  other: 6,
} as const;
export type Command = (typeof COMMANDS)[keyof typeof COMMANDS];

/**
 * Most clients wait for each answer; those that pipeline send a handful. 32 bytes for each of 262,144 flows
 * are 8 MiB, touched only where a command was seen.
 */
export const MAX_OUTSTANDING = 32;

export class OutstandingCommands {
  /** Times that more commands were outstanding than are remembered. */
  overflows = 0;
  readonly #rings: Uint8Array;
  /** Index of the oldest in the flow's ring. */
  readonly #oldest: Uint8Array;
  /** Commands outstanding, those that the ring had no room for included. */
  readonly #counts: Uint32Array;
  /** 1 from an overflow until nothing is outstanding. */
  readonly #overflowed: Uint8Array;

  constructor(flows: number) {
    this.#rings = new Uint8Array(flows * MAX_OUTSTANDING);
    this.#oldest = new Uint8Array(flows);
    this.#counts = new Uint32Array(flows);
    this.#overflowed = new Uint8Array(flows);
  }

  count(flow: number): number {
    return this.#counts[flow] ?? 0;
  }

  clear(flow: number): void {
    this.#counts[flow] = 0;
    this.#overflowed[flow] = 0;
  }

  /** Forgets all but the newest, and that too after an overflow. */
  keepNewest(flow: number): void {
    const count = this.count(flow);
    if (count <= 1) return;
    const overflowed = this.#overflowed[flow] === 1;
    const newest = ((this.#oldest[flow] ?? 0) + count - 1) % MAX_OUTSTANDING;
    this.clear(flow);
    if (overflowed) return;
    this.#oldest[flow] = newest;
    this.#counts[flow] = 1;
  }

  push(flow: number, command: Command): void {
    const count = this.count(flow);
    if (count < MAX_OUTSTANDING) {
      const place = ((this.#oldest[flow] ?? 0) + count) % MAX_OUTSTANDING;
      this.#rings[flow * MAX_OUTSTANDING + place] = command;
    } else if (this.#overflowed[flow] === 0) {
      this.#overflowed[flow] = 1;
      this.overflows += 1;
    }
    this.#counts[flow] = count + 1;
  }

  /** Takes the oldest command away. */
  shift(flow: number): Command {
    const count = this.count(flow);
    if (count === 0) return COMMANDS.none;
    const overflowed = this.#overflowed[flow] === 1;
    const oldest = this.#oldest[flow] ?? 0;
    const command = this.#rings[flow * MAX_OUTSTANDING + oldest] as Command;
    this.#oldest[flow] = (oldest + 1) % MAX_OUTSTANDING;
    if (count === 1) this.clear(flow);
    else this.#counts[flow] = count - 1;
    return overflowed ? COMMANDS.forgotten : command;
  }
}
