/**
 * Builds a pcapng section block by block (draft-ietf-opsawg-pcapng). A file is a series of sections.
 *
 * @module
 */
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { ByteWriter } from '../wire/byte-writer.js';

export interface FrameOptions {
  readonly bytes: Uint8Array;
  /** Seconds, to the file's resolution. */
  readonly time?: number;
  /** Length of the frame on the wire; default is the length of the bytes. */
  readonly originalLength?: number;
}

export interface InterfaceOptions {
  readonly linkType?: number;
  /** Default 0: no limit. */
  readonly snapLength?: number;
  /**
   * The byte of if_tsresol: 6 = microseconds (no option written), 9 = nanoseconds, 0x80 + n = 2^-n seconds.
   */
  readonly timeResolution?: number;
  /** if_tsoffset, seconds. */
  readonly timeOffset?: bigint;
}

export class PcapngSection {
  readonly #write: ByteWriter;
  readonly #blocks: Buffer[] = [];
  readonly #clocks: { readonly unitsPerSecond: bigint; readonly offset: bigint }[] = [];

  constructor(bigEndian = false) {
    const write = (this.#write = new ByteWriter(bigEndian));
    const body = [write.u32(0x1a2b3c4d), write.u16(1), write.u16(0), write.i64(-1n)];
    this.block(0x0a0d0d0a, Buffer.concat(body));
  }

  describeInterface(options: InterfaceOptions = {}): this {
    const write = this.#write;
    const { linkType = LINK_TYPES.ethernet, snapLength = 0, timeResolution = 6, timeOffset = 0n } = options;
    const clockOptions = [
      ...(timeResolution === 6 ? [] : [this.#option(9, Buffer.of(timeResolution))]),
      ...(timeOffset === 0n ? [] : [this.#option(14, write.i64(timeOffset))]),
    ];
    this.#clocks.push({ unitsPerSecond: unitsPerSecond(timeResolution), offset: timeOffset });
    const end = clockOptions.length === 0 ? [] : [this.#option(0, Buffer.alloc(0))];
    const header = [write.u16(linkType), write.u16(0), write.u32(snapLength)];
    return this.block(1, Buffer.concat([...header, ...clockOptions, ...end]));
  }

  enhancedPacket(frame: FrameOptions, interfaceId = 0): this {
    return this.block(6, this.#packet(this.#write.u32(interfaceId), frame, interfaceId));
  }

  /** The obsolete packet block, with a 16-bit interface and a 16-bit drop count. */
  obsoletePacket(frame: FrameOptions, interfaceId = 0): this {
    const drops = 0xffff;
    const front = Buffer.concat([this.#write.u16(interfaceId), this.#write.u16(drops)]);
    return this.block(2, this.#packet(front, frame, interfaceId));
  }

  simplePacket(frame: FrameOptions): this {
    const originalLength = this.#write.u32(frame.originalLength ?? frame.bytes.length);
    return this.block(3, Buffer.concat([originalLength, padded(frame.bytes)]));
  }

  /** Adds any block. A valid one has a body of a multiple of 4 bytes. */
  block(type: number, body: Uint8Array): this {
    const length = this.#write.u32(body.length + 12);
    this.#blocks.push(Buffer.concat([this.#write.u32(type), length, body, length]));
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#blocks);
  }

  #packet(front: Buffer, frame: FrameOptions, interfaceId: number): Buffer {
    const ticks = this.#ticks(frame.time ?? 0, interfaceId);
    const numbers = [
      Number(ticks >> 32n),
      Number(ticks & 0xffffffffn),
      frame.bytes.length,
      frame.originalLength ?? frame.bytes.length,
    ];
    return Buffer.concat([front, ...numbers.map((value) => this.#write.u32(value)), padded(frame.bytes)]);
  }

  #ticks(time: number, interfaceId: number): bigint {
    const clock = this.#clocks[interfaceId] ?? { unitsPerSecond: 1_000_000n, offset: 0n };
    const seconds = Math.floor(time);
    const fraction = BigInt(Math.round((time - seconds) * Number(clock.unitsPerSecond)));
    return (BigInt(seconds) - clock.offset) * clock.unitsPerSecond + fraction;
  }

  #option(code: number, value: Buffer): Buffer {
    return Buffer.concat([this.#write.u16(code), this.#write.u16(value.length), padded(value)]);
  }
}

const unitsPerSecond = (timeResolution: number): bigint =>
  timeResolution < 0x80 ? 10n ** BigInt(timeResolution) : 2n ** BigInt(timeResolution - 0x80);

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
