/**
 * Numbers of packet headers, in network byte order, for what runs several times a packet: Buffer's own methods check their
 * arguments first, and cost some five times as much. The caller has checked that the bytes are there; those past the end read as 0.
 *
 * @module
 */
export const u8At = (bytes: Buffer, at: number): number => bytes[at] ?? 0;

export const u16At = (bytes: Buffer, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Signed. */
export const i32At = (bytes: Buffer, at: number): number =>
  ((bytes[at] ?? 0) << 24) |
  ((bytes[at + 1] ?? 0) << 16) |
  ((bytes[at + 2] ?? 0) << 8) |
  (bytes[at + 3] ?? 0);

export const u32At = (bytes: Buffer, at: number): number => i32At(bytes, at) >>> 0;
