/**
 * Reads big-endian numbers from packet headers. For code that runs several times per packet: Buffer's own
 * methods validate their arguments and cost about five times as much. The caller must have checked the
 * bounds; bytes past the end read as 0.
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
