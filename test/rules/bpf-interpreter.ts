/**
 * An interpreter of classic BPF after the kernel's documentation, run from the text that iptables takes. It shares
 * nothing with the assembler; its instruction codes are its own.
 *
 * @module
 */

interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly k: number;
}

/** The two registers and the packet. */
interface Machine {
  a: number;
  x: number;
  readonly packet: Uint8Array;
}

/** A load beyond the packet ends the program with 0. */
class BeyondPacket extends Error {}

const STEPS: Readonly<Record<number, (machine: Machine, k: number) => void>> = {
  0x80: (machine) => (machine.a = machine.packet.length),
  0x30: (machine, k) => (machine.a = byteAt(machine, k)),
  0x50: (machine, k) => (machine.a = byteAt(machine, machine.x + k)),
  0xb1: (machine, k) => (machine.x = (byteAt(machine, k) & 0x0f) * 4),
  0x07: (machine) => (machine.x = machine.a),
  0x04: (machine, k) => (machine.a = (machine.a + k) >>> 0),
  0x0c: (machine) => (machine.a = (machine.a + machine.x) >>> 0),
  0x54: (machine, k) => (machine.a = (machine.a & k) >>> 0),
  0x74: (machine, k) => (machine.a = machine.a >>> k),
};

const JUMPS: Readonly<Record<number, (machine: Machine, k: number) => boolean>> = {
  0x15: ({ a }, k) => a === k,
  0x2d: ({ a, x }) => a > x,
};

const RETURN = 0x06;

/** Returns the program's result for `packet`; 0 is no match. Throws for a program that the kernel would refuse. */
export function interpretBpf(bytecode: string, packet: Uint8Array): number {
  try {
    return run(parse(bytecode), { a: 0, x: 0, packet });
  } catch (error) {
    if (error instanceof BeyondPacket) return 0;
    throw error;
  }
}

function run(program: readonly Instruction[], machine: Machine): number {
  let at = 0;
  for (;;) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error('the program ends without an answer');
    const { code, jumpTrue, jumpFalse, k } = instruction;
    if (code === RETURN) return k;
    at++;
    const isMet = JUMPS[code];
    const step = STEPS[code];
    if (isMet !== undefined) at += isMet(machine, k) ? jumpTrue : jumpFalse;
    else if (step !== undefined) step(machine, k);
    else throw new Error(`instruction code ${code}`);
  }
}

function byteAt({ packet }: Machine, offset: number): number {
  const byte = packet[offset];
  if (byte === undefined) throw new BeyondPacket();
  return byte;
}

function parse(bytecode: string): Instruction[] {
  const [count, ...lines] = bytecode.split(',');
  if (Number(count) !== lines.length) throw new Error(`${lines.length} instructions, not ${count ?? 'none'}`);
  return lines.map((line) => {
    const [code = -1, jumpTrue = -1, jumpFalse = -1, k = -1] = line.split(' ').map(Number);
    return { code, jumpTrue, jumpFalse, k };
  });
}
