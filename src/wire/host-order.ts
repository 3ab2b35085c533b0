/**
 * Numbers in host byte order, which netlink uses for its headers. Most netfilter attributes are in network
 * order instead. Reads and writes check bounds, as Buffer's methods do.
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
