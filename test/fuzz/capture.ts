/**
 * Captures, pcap and pcapng: what comes out must not depend on how the file arrives, and be within it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { CAPTURE_FAULTS, CaptureReader, type CaptureItem } from '../../src/capture/capture.js';
import { FRAME_BYTES_MAX } from '../../src/capture/pcap.js';
import { fixtureCaptures } from './fixture-captures.js';
import { Random } from './random.js';
import { words, type Target } from './target.js';

export const CAPTURE_WORDS = words(
  ...[
    '\xa1\xb2\xc3\xd4',
    '\xd4\xc3\xb2\xa1',
    '\xa1\xb2\x3c\x4d',
    '\xa1\xb2\xcd\x34',
    '\x0a\x0d\x0d\x0a',
    '\x1a\x2b\x3c\x4d',
  ],
  ...[
    '\x4d\x3c\x2b\x1a',
    '\x00\x00\x00\x01',
    '\x01\x00\x00\x00',
    '\x06\x00\x00\x00',
    '\x03\x00\x00\x00',
    '\x02\x00\x00\x00',
  ],
  ...[
    '\x1c\x00\x00\x00',
    '\x0c\x00\x00\x00',
    '\x09\x00\x01\x00\x06\x00\x00\x00',
    '\x09\x00\x01\x00\xff\x00\x00\x00',
    '\x0e\x00\x08\x00',
  ],
);

export const captureTarget = (): Target => ({
  name: 'capture',
  corpus: fixtureCaptures(),
  words: CAPTURE_WORDS,
  maxLength: 16_384,
  run(input) {
    const whole = summaries(input, [input.length]);
    const random = new Random(input.length);
    const pieces = Array.from({ length: 40 }, () => random.pick([0, 1, 2, 7, 30, 1000]));
    assert.deepEqual(summaries(input, pieces), whole);
    const faults = whole.filter(({ kind }) => kind === 'fault');
    assert.ok(faults.length <= 1 && (faults.length === 0 || whole.at(-1) === faults[0]));
  },
});

/** The items of a file that arrives in pieces of these lengths, and the rest; chunks are overwritten afterwards. */
function summaries(input: Buffer, lengths: readonly number[]): { kind: string }[] {
  const reader = new CaptureReader();
  const found: { kind: string }[] = [];
  const take = (items: Iterable<CaptureItem>): void => {
    for (const item of items) found.push(summary(item, input.length));
  };
  let at = 0;
  for (const length of [...lengths, input.length]) {
    const chunk = Buffer.from(input.subarray(at, at + length));
    take(reader.feed(chunk));
    chunk.fill(0xee);
    at += length;
  }
  take(reader.end());
  return found;
}

function summary(item: CaptureItem, length: number): { kind: string } {
  if (item.kind === 'fault') {
    assert.ok(item.fault in CAPTURE_FAULTS && item.at >= 0 && item.at <= length);
    return item;
  }
  const { kind, number, time, linkType, bytes, start, end, originalLength } = item;
  assert.ok(start <= end && end <= bytes.length && end - start <= FRAME_BYTES_MAX);
  assert.ok(Number.isFinite(time) && Number.isSafeInteger(originalLength) && number > 0);
  const frame = bytes.toString('latin1', start, end);
  return { kind, ...{ number, time, linkType, originalLength, frame } };
}
