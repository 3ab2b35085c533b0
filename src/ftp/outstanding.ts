/**
 * The unanswered commands of each connection, oldest first. Every final reply answers the oldest (RFC 959
 * §5.4). The oldest commands are packed into one word for each flow. Only a flow with more commands has an
 * object.
 *
 * @module
 */

/** What matters about the command that a reply answers. */
export const COMMANDS = {
  /** No command is outstanding. */
  none: 0,
  /** More commands were outstanding than are remembered, so the oldest is unknown. */
  forgotten: 1,
  pasv: 2,
  epsv: 3,
  epsvAll: 4,
  rein: 5,
  other: 6,
} as const;
export type Command = (typeof COMMANDS)[keyof typeof COMMANDS];

/** Most clients wait for each reply; those that pipeline send a handful of commands. */
export const MAX_OUTSTANDING = 32;
/** Number of commands that are always remembered for each flow. */
export const PACKED = 10;
/** Maximum number of flows with more than that, so that hostile flows occupy at most 8 MiB. */
export const MAX_FURTHER_FLOWS = 16_384;

/** Bits of a `Command`; a word holds `PACKED` of them. */
const BITS = 3;
const MASK = 2 ** BITS - 1;
/** Flag beside a flow's count. The count stays below the flag: that many commands are 6 GiB of text. */
const OVERFLOWED = 0x4000_0000;

export class OutstandingCommands {
  /** Number of times that more commands were outstanding than are remembered. */
  overflows = 0;
  /**
   * Two words per flow. The first holds its oldest commands, the very oldest in the lowest bits. The second
   * holds the number of outstanding commands, including those that did not fit, with `OVERFLOWED` from an
   * overflow until nothing is outstanding.
   */
  readonly #words: Uint32Array;
  /**
   * The commands after those, oldest first. Only for flows with more than `PACKED`; none after an overflow.
   */
  readonly #further = new Map<number, Command[]>();

  constructor(flows: number) {
    this.#words = new Uint32Array(flows * 2);
  }

  count(flow: number): number {
    return (this.#words[flow * 2 + 1] ?? 0) & ~OVERFLOWED;
  }

  clear(flow: number): void {
    if (this.count(flow) > PACKED) this.#further.delete(flow);
    this.#words[flow * 2] = 0;
    this.#words[flow * 2 + 1] = 0;
  }

  /** Forgets all commands but the newest; after an overflow, the newest too. */
  keepNewest(flow: number): void {
    const count = this.count(flow);
    if (count <= 1) return;
    const overflowed = this.#overflowed(flow);
    const newest = this.#newest(flow, count);
    this.clear(flow);
    if (!overflowed) this.push(flow, newest);
  }

  push(flow: number, command: Command): void {
    const count = this.count(flow);
    this.#setCount(flow, count + 1);
    // The oldest is unknown, so none needs to be remembered.
    if (this.#overflowed(flow)) return;
    if (count < PACKED) this.#pack(flow, command, count);
    else if (count >= MAX_OUTSTANDING || !this.#pushFurther(flow, command)) this.#overflow(flow);
  }

  /** Removes the oldest command and returns it. */
  shift(flow: number): Command {
    const count = this.count(flow);
    if (count === 0) return COMMANDS.none;
    const overflowed = this.#overflowed(flow);
    const packed = this.#packed(flow);
    if (count === 1) {
      this.clear(flow);
    } else {
      this.#words[flow * 2] = packed >>> BITS;
      this.#setCount(flow, count - 1);
      if (count > PACKED) this.#packFurther(flow);
    }
    return overflowed ? COMMANDS.forgotten : ((packed & MASK) as Command);
  }

  #newest(flow: number, count: number): Command {
    const further = this.#further.get(flow)?.at(-1);
    return further ?? (((this.#packed(flow) >>> ((count - 1) * BITS)) & MASK) as Command);
  }

  /** Returns false if too many other flows have further commands. */
  #pushFurther(flow: number, command: Command): boolean {
    const further = this.#further.get(flow);
    if (further !== undefined) further.push(command);
    else if (this.#further.size < MAX_FURTHER_FLOWS) this.#further.set(flow, [command]);
    else return false;
    return true;
  }

  /** Fills the free place in the word. */
  #packFurther(flow: number): void {
    const further = this.#further.get(flow);
    const oldest = further?.shift();
    if (further?.length === 0) this.#further.delete(flow);
    if (oldest === undefined) return;
    this.#pack(flow, oldest, PACKED - 1);
  }

  #overflow(flow: number): void {
    this.#further.delete(flow);
    this.#words[flow * 2 + 1] = this.count(flow) | OVERFLOWED;
    this.overflows += 1;
  }

  #packed(flow: number): number {
    return this.#words[flow * 2] ?? 0;
  }

  #pack(flow: number, command: Command, place: number): void {
    this.#words[flow * 2] = this.#packed(flow) | (command << (place * BITS));
  }

  #overflowed(flow: number): boolean {
    return ((this.#words[flow * 2 + 1] ?? 0) & OVERFLOWED) !== 0;
  }

  #setCount(flow: number, count: number): void {
    this.#words[flow * 2 + 1] = count | ((this.#words[flow * 2 + 1] ?? 0) & OVERFLOWED);
  }
}
