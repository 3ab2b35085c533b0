/**
 * Runs the capture reader over chunks and records its items. Each chunk is overwritten once its items are
 * taken, which exposes a reader that keeps borrowed bytes.
 *
 * @module
 */
import { CaptureReader, type CaptureFault, type CaptureItem } from '../../src/capture/capture.js';

/** A frame with a copy of its bytes. */
export interface KeptFrame {
  readonly kind: 'frame';
  readonly number: number;
  readonly time: number;
  readonly linkType: number;
  readonly originalLength: number;
  readonly bytes: Buffer;
}

const POISON = 0xee;

/** Returns all items of the capture that arrives in `chunks`. */
export function readChunks(chunks: Iterable<Uint8Array>): (KeptFrame | CaptureFault)[] {
  const reader = new CaptureReader();
  const items: (KeptFrame | CaptureFault)[] = [];
  for (const chunk of chunks) {
    const borrowed = Buffer.from(chunk);
    items.push(...Array.from(reader.feed(borrowed), keep));
    borrowed.fill(POISON);
  }
  items.push(...Array.from(reader.end(), keep));
  return items;
}

export const readCapture = (file: Uint8Array): (KeptFrame | CaptureFault)[] => readChunks([file]);

/** Returns the frames of a capture, which must have no fault. */
export function readFrames(file: Uint8Array): KeptFrame[] {
  return readCapture(file).map((item) => {
    if (item.kind === 'fault') throw new Error(`${item.fault} at byte ${item.at}`);
    return item;
  });
}

/** Cuts `bytes` into pieces of `size`; the last one may be shorter. */
export function* piecesOf(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function keep(item: CaptureItem): KeptFrame | CaptureFault {
  if (item.kind === 'fault') return item;
  const { bytes, start, end, kind, number, time, linkType, originalLength } = item;
  return { kind, number, time, linkType, originalLength, bytes: Buffer.from(bytes.subarray(start, end)) };
}
