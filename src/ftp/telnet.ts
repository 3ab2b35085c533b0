/**
 * Telnet sequences inside a control connection line (RFC 854; RFC 959 §2.3 runs FTP over Telnet). For
 * example, a client sends IAC IP IAC DM before ABOR. Only lines that contain IAC are handled here.
 *
 * @module
 */

/** Interpret As Command: begins every sequence. A doubled IAC stands for one data byte. */
export const IAC = 0xff;

const SE = 0xf0;
const SB = 0xfa;
const WILL = 0xfb;
const DONT = 0xfe;

/**
 * Copies `[start, end)` to the beginning of `target` without telnet sequences, and returns the length. A
 * sequence cut off by the end of the line is copied unchanged: removing it could make such a line readable.
 * `target` has room for the whole range.
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

/**
 * Returns the offset after the sequence that begins with the IAC at `at`; past `end` if the sequence is cut
 * off.
 */
function sequenceEnd(bytes: Buffer, at: number, end: number): number {
  if (at + 1 >= end) return end + 1;
  const command = bytes.readUInt8(at + 1);
  if (command === SB) return subnegotiationEnd(bytes, at + 2, end);
  return command >= WILL && command <= DONT ? at + 3 : at + 2;
}

/** A subnegotiation ends with IAC SE. A doubled IAC inside it is content. */
function subnegotiationEnd(bytes: Buffer, at: number, end: number): number {
  while (at + 1 < end) {
    if (bytes.readUInt8(at) !== IAC) at += 1;
    else if (bytes.readUInt8(at + 1) === SE) return at + 2;
    else at += 2;
  }
  return end + 1;
}
