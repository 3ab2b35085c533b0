/**
 * Numbers in the order of this machine's processor, as netlink writes its headers (but not most netfilter
 * attributes: those are in network order). Reads and writes bounds-check, as Buffer's own do.
 *
 * @module
 */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** `__u16`. */
export const readHostUint16 = (bytes: Buffer, at: number): number =>
  LITTLE_ENDIAN ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);

/** `__u32`. */
export const readHostUint32 = (bytes: Buffer, at: number): number =>
  LITTLE_ENDIAN ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);

/** `int`. */
export const readHostInt32 = (bytes: Buffer, at: number): number =>
  LITTLE_ENDIAN ? bytes.readInt32LE(at) : bytes.readInt32BE(at);

/** `__u16`; throws RangeError for a value that does not fit. */
export function writeHostUint16(bytes: Buffer, at: number, value: number): void {
  if (LITTLE_ENDIAN) bytes.writeUInt16LE(value, at);
  else bytes.writeUInt16BE(value, at);
}

/** `__u32`; throws RangeError for a value that does not fit. */
export function writeHostUint32(bytes: Buffer, at: number, value: number): void {
  if (LITTLE_ENDIAN) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
}
