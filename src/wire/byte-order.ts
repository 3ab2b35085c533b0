/**
 * Reads numbers from a file in the byte order of the machine that wrote it, as capture files need.
 *
 * @module
 */
export interface ByteOrder {
  u16(bytes: Buffer, at: number): number;
  u32(bytes: Buffer, at: number): number;
  i64(bytes: Buffer, at: number): bigint;
}

export const BIG_ENDIAN: ByteOrder = {
  u16: (bytes, at) => bytes.readUInt16BE(at),
  u32: (bytes, at) => bytes.readUInt32BE(at),
  i64: (bytes, at) => bytes.readBigInt64BE(at),
};

export const LITTLE_ENDIAN: ByteOrder = {
  u16: (bytes, at) => bytes.readUInt16LE(at),
  u32: (bytes, at) => bytes.readUInt32LE(at),
  i64: (bytes, at) => bytes.readBigInt64LE(at),
};
