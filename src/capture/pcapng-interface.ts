/**
 * Interface description blocks of a pcapng section (draft-ietf-opsawg-pcapng §4.2): an interface's link
 * type and clock.
 *
 * @module
 */
import type { ByteOrder } from '../wire/byte-order.js';

export interface CaptureInterface {
  readonly linkType: number;
  /** Bytes kept of each frame; `Infinity` if the file sets no limit. */
  readonly snapLength: number;
  readonly ticksPerSecond: bigint;
  /** Seconds from 1970 to tick 0. */
  readonly epoch: number;
}

// Body of the block
const LINK_TYPE = 0; // u16
const SNAP_LENGTH = 4; // u32, 0 = no limit
const OPTIONS = 8;

// Options: code u16, length u16, value, padded to a multiple of 4
const OPTION_HEADER_LENGTH = 4;
const END_OF_OPTIONS = 0; // opt_endofopt
const TIME_RESOLUTION = 9; // if_tsresol, u8
const TIME_OFFSET = 14; // if_tsoffset, i64 seconds

const MICROSECONDS = 1_000_000n;

/** Reads the body `[at, end)` of an interface description block. */
export function readInterface(
  bytes: Buffer,
  at: number,
  end: number,
  order: ByteOrder,
): CaptureInterface | 'block-length-wrong' | 'option-malformed' {
  if (end - at < OPTIONS) return 'block-length-wrong';
  const snapLength = order.u32(bytes, at + SNAP_LENGTH);
  const clock = readClock(bytes, at + OPTIONS, end, order);
  if (clock === undefined) return 'option-malformed';
  return {
    linkType: order.u16(bytes, at + LINK_TYPE),
    snapLength: snapLength === 0 ? Infinity : snapLength,
    ...clock,
  };
}

/** Returns the clock from the options `[from, end)`, or `undefined` if the options are malformed. */
function readClock(
  bytes: Buffer,
  from: number,
  end: number,
  order: ByteOrder,
): Pick<CaptureInterface, 'ticksPerSecond' | 'epoch'> | undefined {
  let ticksPerSecond = MICROSECONDS;
  let epoch = 0;
  let at = from;
  while (end - at >= OPTION_HEADER_LENGTH) {
    const code = order.u16(bytes, at);
    const length = order.u16(bytes, at + 2);
    const valueAt = at + OPTION_HEADER_LENGTH;
    if (code === END_OF_OPTIONS) break;
    if (length > end - valueAt) return undefined;
    if (code === TIME_RESOLUTION) {
      if (length !== 1) return undefined;
      ticksPerSecond = resolution(bytes.readUInt8(valueAt));
    } else if (code === TIME_OFFSET) {
      if (length !== 8) return undefined;
      epoch = Number(order.i64(bytes, valueAt));
    }
    at = valueAt + Math.ceil(length / 4) * 4;
  }
  return { ticksPerSecond, epoch };
}

/** if_tsresol: the highest bit selects powers of 2 instead of 10; the other bits are the negated exponent. */
function resolution(value: number): bigint {
  const exponent = BigInt(value & 0x7f);
  return (value & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
}

/**
 * Converts a time stamp, given as the two halves of its 64 bits, to seconds since 1970. Today's nanoseconds
 * need 61 bits and a float has 53, so whole seconds and the remainder are divided separately.
 */
export function secondsAt(captureInterface: CaptureInterface, high: number, low: number): number {
  const { ticksPerSecond, epoch } = captureInterface;
  const ticks = (BigInt(high) << 32n) | BigInt(low);
  const fraction = Number(ticks % ticksPerSecond) / Number(ticksPerSecond);
  return epoch + Number(ticks / ticksPerSecond) + fraction;
}
