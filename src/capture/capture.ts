/**
 * Reads a pcap or pcapng capture incrementally: chunks of any size in, frames out. Invalid bytes never
 * throw. The reader yields the frames before them, then one fault, then nothing more.
 *
 * @module
 */
import { PcapRecords, pcapLayout, type PcapFault } from './pcap.js';
import { PcapngBlocks, SECTION_HEADER_BLOCK, type PcapngFault } from './pcapng.js';
import { UnreadBytes } from './unread-bytes.js';

/** Why a capture cannot be read, or not be read further: a sentence for the user who supplied the file. */
export const CAPTURE_FAULTS = {
  empty: 'the file is empty',
  compressed: 'the file is compressed; decompress it first',
  'not-a-capture': 'the file is neither pcap nor pcapng',
  truncated: 'the file ends in the middle of a frame',
  'version-unsupported': 'the file has an unsupported version',
  'frame-too-large': 'the file is damaged: a frame length is impossibly large',
  'frame-past-block': 'the file is damaged: a frame extends past its block',
  'block-length-wrong': 'the file is damaged: a block length is invalid',
  'block-too-large': 'the file is damaged: a block length is impossibly large',
  'byte-order-unknown': 'the file is damaged: a section has an unknown byte order',
  'option-malformed': 'the file is damaged: an interface option is malformed',
  'interface-unknown': 'the file is damaged: a frame refers to an undescribed interface',
  'interfaces-too-many': 'the file describes too many interfaces',
} as const satisfies Record<PcapFault | PcapngFault | ReaderFault, string>;

type ReaderFault = 'empty' | 'compressed' | 'not-a-capture' | 'truncated';
export type CaptureFaultName = keyof typeof CAPTURE_FAULTS;

/** A frame. `bytes` is borrowed until the next item is taken from the iterable. */
export interface CaptureFrame {
  readonly kind: 'frame';
  /** Frame number in the whole file, from 1, as Wireshark counts. */
  readonly number: number;
  /** Seconds since 1970, to the microsecond; 0 if the file has no time for this frame. */
  readonly time: number;
  /** LINKTYPE_*, for `findIpPacket`. */
  readonly linkType: number;
  /** The frame is `[start, end)` of this buffer. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Length of the frame on the wire. It exceeds `end - start` if the snap length cut the frame. */
  readonly originalLength: number;
}

export interface CaptureFault {
  readonly kind: 'fault';
  readonly fault: CaptureFaultName;
  /** File offset of the unreadable record or block. */
  readonly at: number;
}

export type CaptureItem = CaptureFrame | CaptureFault;

const MAGIC_LENGTH = 4;
/** Magic numbers of the usual compression formats: gzip, zstd, xz, bzip2, lz4, zip. */
const COMPRESSED = ['1f8b', '28b52ffd', 'fd377a58', '425a68', '04224d18', '504b0304'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Reads one capture from the first byte to the last. */
export class CaptureReader {
  readonly #unread = new UnreadBytes();
  #format: PcapRecords | PcapngBlocks | undefined;
  #ended = false;

  /** Returns the items that `chunk` completes. `chunk` is borrowed until all items are taken. */
  feed(chunk: Buffer): Iterable<CaptureItem> {
    if (!this.#ended) this.#unread.append(chunk);
    return this.#items();
  }

  /** Call after the last chunk: yields a fault if the file ends too early. */
  *end(): Iterable<CaptureItem> {
    yield* this.#items();
    if (this.#ended) return;
    this.#ended = true;
    const { length } = this.#unread;
    if (this.#format === undefined) yield this.#fault(length === 0 ? 'empty' : 'not-a-capture');
    else if (length > 0) yield this.#fault('truncated');
  }

  *#items(): Iterable<CaptureItem> {
    try {
      while (!this.#ended) {
        const found = this.#next();
        if (found === undefined) return;
        this.#ended = found.kind === 'fault';
        yield found;
      }
    } finally {
      this.#unread.keep();
    }
  }

  /** Returns the next item, or `undefined` if more bytes are needed. */
  #next(): CaptureItem | undefined {
    if (this.#format === undefined) {
      if (this.#unread.length < MAGIC_LENGTH) return undefined;
      const format = formatAt(this.#unread.bytes, this.#unread.start);
      if (typeof format === 'string') return this.#fault(format);
      this.#format = format;
    }
    const found = this.#format.next(this.#unread);
    if (found === 'more') return undefined;
    return found === 'frame' ? this.#frame(this.#format) : this.#fault(found);
  }

  #frame(format: PcapRecords | PcapngBlocks): CaptureFrame {
    const { number, time, linkType, start, end, originalLength } = format;
    return { kind: 'frame', number, time, linkType, bytes: this.#unread.bytes, start, end, originalLength };
  }

  #fault(fault: CaptureFaultName): CaptureFault {
    return { kind: 'fault', fault, at: this.#unread.position };
  }
}

function formatAt(bytes: Buffer, at: number): PcapRecords | PcapngBlocks | 'compressed' | 'not-a-capture' {
  if (bytes.readUInt32BE(at) === SECTION_HEADER_BLOCK) return new PcapngBlocks();
  const layout = pcapLayout(bytes, at);
  if (layout !== undefined) return new PcapRecords(layout);
  const compressed = COMPRESSED.some((magic) => magic.equals(bytes.subarray(at, at + magic.length)));
  return compressed ? 'compressed' : 'not-a-capture';
}
