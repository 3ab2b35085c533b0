/** The outstanding commands against a list. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COMMANDS,
  MAX_FURTHER_FLOWS,
  MAX_OUTSTANDING,
  OutstandingCommands,
  PACKED,
  type Command,
} from '../../src/ftp/outstanding.js';

const FLOW = 1;

type Step = Command | 'shift' | 'clear' | 'keepNewest';

/** Reference implementation: a list, and whether it has exceeded the limit since it was last empty. */
class CommandList {
  #list: Command[] = [];
  #overflowed = false;

  run(step: Step): Command | undefined {
    if (step === 'shift') return this.#shift();
    if (step === 'clear') this.#list = [];
    else if (step === 'keepNewest')
      this.#list = this.#overflowed ? this.#keptOverflowed() : this.#list.slice(-1);
    else this.#list.push(step);
    if (this.#list.length > MAX_OUTSTANDING) this.#overflowed = true;
    if (this.#list.length === 0) this.#overflowed = false;
    return undefined;
  }

  #keptOverflowed(): Command[] {
    return this.#list.length > 1 ? [] : this.#list;
  }

  get length(): number {
    return this.#list.length;
  }

  #shift(): Command {
    const overflowed = this.#overflowed;
    const command = this.#list.shift();
    if (this.#list.length === 0) this.#overflowed = false;
    if (command === undefined) return COMMANDS.none;
    return overflowed ? COMMANDS.forgotten : command;
  }
}

function runRing(ring: OutstandingCommands, step: Step): Command | undefined {
  if (step === 'shift') return ring.shift(FLOW);
  if (step === 'clear') ring.clear(FLOW);
  else if (step === 'keepNewest') ring.keepNewest(FLOW);
  else ring.push(FLOW, step);
  return undefined;
}

describe('OutstandingCommands', () => {
  it('agrees with a list, up to the remembered commands', () => {
    const command = fc.constantFrom<Step>(COMMANDS.pasv, COMMANDS.epsv, COMMANDS.epsvAll, COMMANDS.other);
    const bursts = fc.array(command, { maxLength: MAX_OUTSTANDING + 4 });
    const answers = fc.nat(MAX_OUTSTANDING + 4).map((count) => Array<Step>(count).fill('shift'));
    const rest = fc.constantFrom<Step[]>(['clear'], ['keepNewest']);
    const steps = fc.array(
      fc.oneof({ weight: 3, arbitrary: bursts }, { weight: 3, arbitrary: answers }, rest),
    );
    fc.assert(
      fc.property(steps, (groups) => {
        const ring = new OutstandingCommands(3);
        const list = new CommandList();
        // Neighbours in the same arrays must not change.
        ring.push(0, COMMANDS.pasv);
        ring.push(2, COMMANDS.epsv);
        for (const step of groups.flat()) {
          expect(runRing(ring, step)).toBe(list.run(step));
          expect(ring.count(FLOW)).toBe(list.length);
        }
        expect([ring.shift(0), ring.shift(2)]).toEqual([COMMANDS.pasv, COMMANDS.epsv]);
      }),
      { numRuns: 300 },
    );
  });

  it('counts an overflow once until nothing is outstanding', () => {
    const ring = new OutstandingCommands(1);
    for (let round = 1; round <= 2; round += 1) {
      for (let command = 0; command < MAX_OUTSTANDING + 5; command += 1) ring.push(0, COMMANDS.other);
      expect(ring.overflows).toBe(round);
      while (ring.count(0) > 0) ring.shift(0);
    }
  });

  it('remembers the first commands of each flow, and more for a limited number of flows', () => {
    const ring = new OutstandingCommands(MAX_FURTHER_FLOWS + 1);
    for (let flow = 0; flow <= MAX_FURTHER_FLOWS; flow++) {
      for (let count = 0; count <= PACKED; count++) ring.push(flow, COMMANDS.pasv);
    }
    expect(ring.overflows).toBe(1);
    expect(ring.shift(MAX_FURTHER_FLOWS)).toBe(COMMANDS.forgotten);
    expect(ring.shift(0)).toBe(COMMANDS.pasv);
    ring.push(0, COMMANDS.epsv);
    expect(ring.overflows).toBe(1);
  });
});
