/**
 * Reads a capture, pcap or pcapng, as it arrives: chunks of any size in, frames out. Bytes that are wrong never
 * throw: the frames before them come out, then one fault, then nothing more.
 *
 * @module
 */
import { PcapRecords, pcapLayout, type PcapFault } from './pcap.js';
import { PcapngBlocks, SECTION_HEADER_BLOCK, type PcapngFault } from './pcapng.js';
import { UnreadBytes } from './unread-bytes.js';

/** Why a capture cannot be read (further), as a sentence for the person who gave the file. */
export const CAPTURE_FAULTS = {
  empty: 'the file is empty',
  compressed: 'the file is compressed; decompress it first',
  'not-a-capture': 'the file is neither pcap nor pcapng',
  truncated: 'the file ends in the middle of a frame',
  'version-unsupported': 'the file is of a version that is not known here',
  'frame-too-large': 'the file is damaged: a frame claims to be longer than any can be',
  'frame-past-block': 'the file is damaged: a frame reaches past its block',
  'block-length-wrong': 'the file is damaged: the length of a block cannot be right',
  'block-too-large': 'the file is damaged: a block claims to be longer than any can be',
  'byte-order-unknown': 'the file is damaged: a section has no byte order',
  'option-malformed': 'the file is damaged: an option of an interface cannot be read',
  'interface-unknown': 'the file is damaged: a frame belongs to an interface that is not described',
  'interfaces-too-many': 'the file describes too many interfaces',
} as const satisfies Record<PcapFault | PcapngFault | ReaderFault, string>;

type ReaderFault = 'empty' | 'compressed' | 'not-a-capture' | 'truncated';
export type CaptureFaultName = keyof typeof CAPTURE_FAULTS;

/** A frame; `bytes` is borrowed until the next item is taken from the iterable. */
export interface CaptureFrame {
  readonly kind: 'frame';
  /** Counts the frames of the whole file from 1, as Wireshark does. */
  readonly number: number;
  /** Seconds since 1970, to the microsecond; 0 where the file has none. */
  readonly time: number;
  /** LINKTYPE_*, for `findIpPacket`. */
  readonly linkType: number;
  /** The frame is `[start, end)` of it. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Bytes that the frame had on the wire; more than are here when the snap length cut it. */
  readonly originalLength: number;
}

export interface CaptureFault {
  readonly kind: 'fault';
  readonly fault: CaptureFaultName;
  /** Where in the file the record or block begins that cannot be read. */
  readonly at: number;
}

export type CaptureItem = CaptureFrame | CaptureFault;

const MAGIC_LENGTH = 4;
/** The first bytes of what people compress captures with: gzip, zstd, xz, bzip2, lz4, zip. */
const COMPRESSED = ['1f8b', '28b52ffd', 'fd377a58', '425a68', '04224d18', '504b0304'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Reads one capture from its first byte to its last. */
export class CaptureReader {
  readonly #unread = new UnreadBytes();
  #format: PcapRecords | PcapngBlocks | undefined;
  #ended = false;

  /** The items that `chunk` completes. `chunk` is borrowed until they are all taken. */
  feed(chunk: Buffer): Iterable<CaptureItem> {
    if (!this.#ended) this.#unread.append(chunk);
    return this.#items();
  }

  /** To be called after the last chunk: tells when the file ends too early. */
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

  /** The next item, or `undefined` where it takes more bytes. */
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
