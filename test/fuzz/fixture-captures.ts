/**
 * The fixture captures, whole and as frames: real initial inputs.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader } from '../../src/capture/capture.js';

const FIXTURES = join(import.meta.dirname, '../fixtures');

export function fixtureCaptures(): Buffer[] {
  return ['captures', 'sessions'].flatMap((folder) =>
    readdirSync(join(FIXTURES, folder))
      .filter((name) => /\.pcap(?:ng)?$/.test(name))
      .sort()
      .map((name) => readFileSync(join(FIXTURES, folder, name))),
  );
}

export interface FixtureFrame {
  readonly linkType: number;
  readonly bytes: Buffer;
}

/** A few frames of each capture, for all link types. */
export function fixtureFrames(): FixtureFrame[] {
  return fixtureCaptures().flatMap((capture) => {
    const frames = [...new CaptureReader().feed(capture)].flatMap((item) =>
      item.kind === 'frame'
        ? [{ linkType: item.linkType, bytes: Buffer.from(item.bytes.subarray(item.start, item.end)) }]
        : [],
    );
    return frames.slice(0, 8);
  });
}
