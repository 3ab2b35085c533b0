/**
 * Telnet sequences inside a control connection line (RFC 854; RFC 959 §2.3 runs FTP over them). A client
 * sends IAC IP IAC DM ahead of ABOR, for one. Only lines that contain IAC come here.
 *
 * @module
 */

/** Interpret As Command: begins every sequence; doubled, it stands for itself. */
export const IAC = 0xff;

const SE = 0xf0;
const SB = 0xfa;
const WILL = 0xfb;
const DONT = 0xfe;

/**
 * Copies `[start, end)` to the beginning of `target` without telnet sequences, and answers the length. A
 * sequence that the line's end cuts short is copied as it is: such a line should not become readable by
 * leaving something out. `target` has room for the whole range.
 */
export function stripTelnet(bytes: Buffer, start: number, end: number, target: Buffer): number {
  let length = 0;
  let at = start;
  while (at < end) {
    const next = bytes.readUInt8(at) === IAC ? sequenceEnd(bytes, at, end) : at + 1;
    if (next === at + 1 || next > end) {
      length += bytes.copy(target, length, at, Math.min(next, end));
    } else if (bytes.readUInt8(at + 1) === IAC) {
      length += bytes.copy(target, length, at, at + 1);
    }
    at = next;
  }
  return length;
}

/** Offset behind the sequence that begins with the IAC at `at`; past `end` when it is cut short. */
function sequenceEnd(bytes: Buffer, at: number, end: number): number {
  if (at + 1 >= end) return end + 1;
  const command = bytes.readUInt8(at + 1);
  if (command === SB) return subnegotiationEnd(bytes, at + 2, end);
  return command >= WILL && command <= DONT ? at + 3 : at + 2;
}

/** A subnegotiation lasts to IAC SE; a doubled IAC within it is content. */
function subnegotiationEnd(bytes: Buffer, at: number, end: number): number {
  while (at + 1 < end) {
    if (bytes.readUInt8(at) !== IAC) at += 1;
    else if (bytes.readUInt8(at + 1) === SE) return at + 2;
    else at += 2;
  }
  return end + 1;
}
