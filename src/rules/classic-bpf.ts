/**
 * An assembler for the classic BPF programs of xt_bpf (`-m bpf --bytecode`): one function per instruction, labels
 * for jumps, and output in iptables' format. Offsets count from the network header; a load beyond the packet ends
 * the program with 0, "no match" (Documentation/networking/filter.rst).
 *
 * @module
 */

/** Instruction codes (linux/bpf_common.h, linux/filter.h), named as in the kernel's documentation. */
const CODES = {
  'ld len': 0x80, // BPF_LD | BPF_W | BPF_LEN
  'ldb [k]': 0x30, // BPF_LD | BPF_B | BPF_ABS
  'ldb [x + k]': 0x50, // BPF_LD | BPF_B | BPF_IND
  'ldx 4*([k]&0xf)': 0xb1, // BPF_LDX | BPF_B | BPF_MSH
  tax: 0x07, // BPF_MISC | BPF_TAX
  'add k': 0x04, // BPF_ALU | BPF_ADD | BPF_K
  'add x': 0x0c, // BPF_ALU | BPF_ADD | BPF_X
  'and k': 0x54, // BPF_ALU | BPF_AND | BPF_K
  'rsh k': 0x74, // BPF_ALU | BPF_RSH | BPF_K
  'jeq k': 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  'jgt x': 0x2d, // BPF_JMP | BPF_JGT | BPF_X
  'ret k': 0x06, // BPF_RET | BPF_K
} as const;

/** One instruction; a jump without a label continues with the next instruction. */
export interface Instruction {
  readonly code: (typeof CODES)[keyof typeof CODES];
  readonly k: number;
  readonly whenTrue?: string;
  readonly whenFalse?: string;
}
export interface Label {
  readonly label: string;
}
export type ProgramLine = Instruction | Label;

/** A, the accumulator, becomes the packet's length. */
export const loadPacketLength = (): Instruction => ({ code: CODES['ld len'], k: 0 });
/** A becomes the byte at `offset`. */
export const loadByte = (offset: number): Instruction => ({ code: CODES['ldb [k]'], k: offset });
/** A becomes the byte at X + `offset`. */
export const loadByteBehindX = (offset: number): Instruction => ({ code: CODES['ldb [x + k]'], k: offset });
/** X becomes four times the low half of the byte at `offset`: the header length in IPv4. */
export const setXToHeaderLength = (offset: number): Instruction => ({
  code: CODES['ldx 4*([k]&0xf)'],
  k: offset,
});
/** X becomes A. */
export const copyToX = (): Instruction => ({ code: CODES.tax, k: 0 });
export const add = (k: number): Instruction => ({ code: CODES['add k'], k });
export const addX = (): Instruction => ({ code: CODES['add x'], k: 0 });
export const and = (k: number): Instruction => ({ code: CODES['and k'], k });
export const shiftRight = (k: number): Instruction => ({ code: CODES['rsh k'], k });
export const jumpIfEqual = (k: number, label: string): Instruction => ({
  code: CODES['jeq k'],
  k,
  whenTrue: label,
});
export const jumpUnlessEqual = (k: number, label: string): Instruction => ({
  code: CODES['jeq k'],
  k,
  whenFalse: label,
});
/** Jumps when A, unsigned, is greater than X. */
export const jumpIfAboveX = (label: string): Instruction => ({
  code: CODES['jgt x'],
  k: 0,
  whenTrue: label,
});
/** Ends the program; xt_bpf matches if `k` is not 0. */
export const returnValue = (k: number): Instruction => ({ code: CODES['ret k'], k });
export const label = (name: string): Label => ({ label: name });

/** Text for `--bytecode`: the number of instructions, then `code jt jf k` for each. */
export function assemble(program: readonly ProgramLine[]): string {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of program) {
    if ('label' in line) labels.set(line.label, instructions.length);
    else instructions.push(line);
  }
  const lines = instructions.map(({ code, k, whenTrue, whenFalse }, at) => {
    const jumpTrue = jumpDistance(labels, at, whenTrue);
    const jumpFalse = jumpDistance(labels, at, whenFalse);
    return `${code} ${jumpTrue} ${jumpFalse} ${k}`;
  });
  return [instructions.length, ...lines].join(',');
}

/** Classic BPF jumps only forward, by at most 255 instructions, counted from the next one. */
function jumpDistance(labels: ReadonlyMap<string, number>, at: number, name: string | undefined): number {
  if (name === undefined) return 0;
  const target = labels.get(name);
  const distance = target === undefined ? -1 : target - at - 1;
  if (distance < 0 || distance > 0xff) {
    throw new RangeError(`no jump from instruction ${at} to the label ${name}`);
  }
  return distance;
}
