/** The line scanner against an obviously correct splitter of whole streams, and its edge cases. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineScanner, LINE_TRAITS, type LineScannerOptions } from '../../src/ftp/line-scanner.js';

interface SeenLine {
  readonly half: number;
  readonly text: string;
  readonly sequence: number;
  readonly traits: number;
}

/** A scanner that records its lines but not their offsets. */
function recordingScanner(options: LineScannerOptions): { scanner: LineScanner; lines: SeenLine[] } {
  const lines: SeenLine[] = [];
  const scanner = new LineScanner(options, {
    onLine(half, { bytes, start, end, sequence, traits }) {
      lines.push({ half, text: bytes.toString('latin1', start, end), sequence, traits });
      bytes.fill(0x2a, start, end);
    },
  });
  return { scanner, lines };
}

function scanText(scanner: LineScanner, half: number, text: string, sequence = 0): void {
  const bytes = Buffer.from(text, 'latin1');
  scanner.scan(half, bytes, 0, bytes.length, sequence);
  bytes.fill(0x2a);
}

/** Reference implementation: splits a whole stream without telnet sequences or gaps. */
function splitWhole(stream: string, half: number, maxLine: number, firstSequence: number): SeenLine[] {
  const lines: SeenLine[] = [];
  let sequence = firstSequence;
  let afterBare = false;
  for (const raw of stream.split('\n').slice(0, -1)) {
    const bare = !raw.endsWith('\r');
    const content = bare ? raw : raw.slice(0, -1);
    const traits =
      (bare ? LINE_TRAITS.bareLineFeed : 0) |
      (afterBare ? LINE_TRAITS.afterBareLineFeed : 0) |
      (content.length > maxLine ? LINE_TRAITS.tooLong : 0) |
      (content.includes('\0') ? LINE_TRAITS.nul : 0);
    lines.push({ half, text: content.slice(0, maxLine), sequence, traits });
    sequence = (sequence + raw.length + 1) >>> 0;
    afterBare = bare;
  }
  return lines;
}

/** Streams with many line ends, whole and split, NUL, and runs near the line limit. */
const streams = fc
  .array(fc.constantFrom('\r\n', '\n', '\r', '\0', 'a', 'bc', 'defghijk', 'x'.repeat(20)), { maxLength: 40 })
  .map((parts) => parts.join(''));
const sequences = fc.constantFrom(0, 1, 0x7fff_fff0, 0xffff_fff0);

describe('LineScanner', () => {
  it('agrees with a splitter of the whole stream, however the stream is cut', () => {
    fc.assert(
      fc.property(
        streams,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        sequences,
        (stream, sizes, first) => {
          const { scanner, lines } = recordingScanner({ halves: 2, maxLine: 24 });
          scanner.begin(1);
          let at = 0;
          for (let piece = 0; at < stream.length; piece += 1) {
            const size = sizes[piece % sizes.length] ?? 1;
            scanText(scanner, 1, stream.slice(at, at + size), (first + at) >>> 0);
            at += size;
          }
          expect(lines).toEqual(splitWhole(stream, 1, 24, first));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps halves apart', () => {
    fc.assert(
      fc.property(streams, streams, fc.integer({ min: 1, max: 5 }), (one, other, size) => {
        const { scanner, lines } = recordingScanner({ halves: 6, maxLine: 24 });
        scanner.begin(2);
        scanner.begin(5);
        for (let at = 0; at < Math.max(one.length, other.length); at += size) {
          scanText(scanner, 2, one.slice(at, at + size), at);
          scanText(scanner, 5, other.slice(at, at + size), at);
        }
        expect(lines.filter(({ half }) => half === 2)).toEqual(splitWhole(one, 2, 24, 0));
        expect(lines.filter(({ half }) => half === 5)).toEqual(splitWhole(other, 5, 24, 0));
      }),
    );
  });

  it('accepts any bytes, including telnet and gaps, and never gives a line past the limit', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 30 }),
        fc.array(fc.constantFrom(0xff, 0xfa, 0xf0, 0xfd, 0x0d, 0x0a, 0x41), { maxLength: 12 }),
        fc.constant('gap' as const),
      ),
    );
    fc.assert(
      fc.property(pieces, (said) => {
        const { scanner, lines } = recordingScanner({ halves: 1, maxLine: 16 });
        scanner.begin(0);
        for (const piece of said) {
          if (piece === 'gap') scanner.lose(0);
          else scanText(scanner, 0, Buffer.from(piece).toString('latin1'));
        }
        for (const { text } of lines) expect(text.length).toBeLessThanOrEqual(16);
        expect(scanner.counters.lines).toBe(lines.length);
      }),
    );
  });

  it('reads in place: a line that is whole in one piece is not copied', () => {
    const seen: Buffer[] = [];
    const scanner = new LineScanner({ halves: 1 }, { onLine: (_, { bytes }) => seen.push(bytes) });
    scanner.begin(0);
    const piece = Buffer.from('USER x\r\nPASS y\r\nTY');
    scanner.scan(0, piece, 0, piece.length, 0);
    expect(seen).toHaveLength(2);
    for (const bytes of seen) expect(bytes).toBe(piece);
  });

  it('reads no bytes outside the given range', () => {
    const { scanner, lines } = recordingScanner({ halves: 1 });
    scanner.begin(0);
    const piece = Buffer.from('\r\nUSER x\r\nPASS y\r\n');
    scanner.scan(0, piece, 2, 9, 100);
    expect(lines).toEqual([]);
    scanText(scanner, 0, '\n', 107);
    expect(lines).toEqual([{ half: 0, text: 'USER x', sequence: 100, traits: 0 }]);
  });

  it('gives the sequence number of the first byte of a line that began in an earlier piece', () => {
    const { scanner, lines } = recordingScanner({ halves: 1 });
    scanner.begin(0);
    scanText(scanner, 0, 'US', 0xffff_fffe);
    scanText(scanner, 0, 'ER', 0);
    scanText(scanner, 0, ' x\r\nPASS\r\n', 2);
    expect(lines.map(({ sequence }) => sequence)).toEqual([0xffff_fffe, 6]);
  });

  it('accepts a whole line of 2,048 bytes, and no longer one', () => {
    const { scanner, lines } = recordingScanner({ halves: 1 });
    scanner.begin(0);
    scanText(scanner, 0, `${'A'.repeat(2048)}\r\n${'A'.repeat(2049)}\r\n`);
    expect(lines.map(({ text, traits }) => [text.length, traits])).toEqual([
      [2048, 0],
      [2048, LINE_TRAITS.tooLong],
    ]);
  });

  it('ignores bytes of a half that has not begun or was forgotten', () => {
    const { scanner, lines } = recordingScanner({ halves: 2 });
    scanText(scanner, 0, 'USER x\r\n');
    scanner.begin(0);
    scanText(scanner, 0, 'USER ');
    scanner.forget(0);
    scanText(scanner, 0, 'x\r\n');
    expect(lines).toEqual([]);
  });

  it('gives no further line of a piece after the half was forgotten', () => {
    const given: number[] = [];
    const scanner = new LineScanner(
      { halves: 1 },
      {
        onLine(half, { start }) {
          given.push(start);
          scanner.forget(half);
        },
      },
    );
    scanner.begin(0);
    scanText(scanner, 0, 'AUTH TLS\r\nPORT 1\r\nunfinished');
    scanText(scanner, 0, '\r\n');
    expect(given).toEqual([0]);
  });

  it('starts clean when a half is begun again', () => {
    const { scanner, lines } = recordingScanner({ halves: 1 });
    scanner.begin(0);
    scanText(scanner, 0, 'one\nunfin');
    scanner.begin(0);
    scanText(scanner, 0, 'two\r\n', 9);
    expect(lines.at(-1)).toEqual({ half: 0, text: 'two', sequence: 9, traits: 0 });
  });

  it('counts lines and each trait', () => {
    const { scanner } = recordingScanner({ halves: 1, maxLine: 8 });
    scanner.begin(0);
    scanText(scanner, 0, 'plain\r\nbare\nnul\0\r\n\xff\xf1telnet\r\n\xff\xf1telnet\r\ntoo long a line\r\n');
    expect(scanner.counters).toEqual({
      lines: 6,
      bareLineFeed: 1,
      tooLong: 1,
      nul: 1,
      telnet: 2,
      lost: 0,
      tailsDropped: 0,
    });
  });

  it('shows the beginning of an unfinished line and nothing else', () => {
    const { scanner } = recordingScanner({ halves: 1 });
    scanner.begin(0);
    scanText(scanner, 0, 'USER x\r\nPO', 100);
    scanText(scanner, 0, 'RT');
    const tail = scanner.unfinished(0);
    expect(tail?.sequence).toBe(108);
    expect(tail?.bytes.toString('latin1', 0, tail.kept)).toBe('PORT');
    scanText(scanner, 0, '\r\n');
    expect(scanner.unfinished(0)).toBeUndefined();
    scanner.lose(0);
    scanText(scanner, 0, 'PORT');
    expect(scanner.unfinished(0)).toBeUndefined();
  });

  describe('after a loss', () => {
    it.each([
      ['goes on after the next CRLF', ['rest\r\nPORT\r\n'], LINE_TRAITS.afterGap],
      ['goes on after a CRLF that comes in two pieces', ['rest\r', '\nPORT\r\n'], LINE_TRAITS.afterGap],
      [
        'marks the line after a bare LF',
        ['rest\nPORT\r\n'],
        LINE_TRAITS.afterGap | LINE_TRAITS.afterBareLineFeed,
      ],
      [
        'marks the line after a LF whose predecessor was lost',
        ['\nPORT\r\n'],
        LINE_TRAITS.afterGap | LINE_TRAITS.afterBareLineFeed,
      ],
      [
        'forgets a CR that stands before other bytes',
        ['\r', 'x', '\nPORT\r\n'],
        LINE_TRAITS.afterGap | LINE_TRAITS.afterBareLineFeed,
      ],
    ])('%s', (_, pieces, traits) => {
      const { scanner, lines } = recordingScanner({ halves: 1 });
      scanner.lose(0);
      for (const piece of pieces) scanText(scanner, 0, piece);
      scanText(scanner, 0, 'next\r\n');
      expect(lines.map((line) => [line.text, line.traits])).toEqual([
        ['PORT', traits],
        ['next', 0],
      ]);
      expect(scanner.counters.lost).toBe(1);
    });

    it('gives nothing of the line that had begun', () => {
      const { scanner, lines } = recordingScanner({ halves: 1 });
      scanner.begin(0);
      scanText(scanner, 0, 'PORT 1,2,3');
      scanner.lose(0);
      scanText(scanner, 0, ',4,5,6\r\nQUIT\r\n');
      expect(lines.map(({ text }) => text)).toEqual(['QUIT']);
    });
  });

  describe('memory', () => {
    it('keeps only the beginning of an endless line', () => {
      const { scanner, lines } = recordingScanner({ halves: 1, maxLine: 2048, maxTailBytes: 2049 });
      scanner.begin(0);
      for (let piece = 0; piece < 1000; piece += 1) scanText(scanner, 0, 'A'.repeat(100));
      scanText(scanner, 0, '\r\nQUIT\r\n');
      expect(lines.map(({ text, traits }) => [text.length, traits])).toEqual([
        [2048, LINE_TRAITS.tooLong],
        [4, 0],
      ]);
      expect(scanner.counters).toMatchObject({ lines: 2, tooLong: 1, tailsDropped: 0 });
    });

    it('drops only the unfinished line that exceeds the total limit', () => {
      const { scanner, lines } = recordingScanner({ halves: 3, maxLine: 2048, maxTailBytes: 2 * 64 });
      for (const half of [0, 1, 2]) scanner.begin(half);
      for (const half of [0, 1, 2]) scanText(scanner, half, 'USER x');
      for (const half of [0, 1, 2]) scanText(scanner, half, 'yz\r\n');
      for (const half of [0, 1, 2]) scanText(scanner, half, 'QUIT\r\n');
      expect(lines.map(({ half, text, traits }) => [half, text, traits])).toEqual([
        [0, 'USER xyz', 0],
        [1, 'USER xyz', 0],
        [0, 'QUIT', 0],
        [1, 'QUIT', 0],
        [2, 'QUIT', LINE_TRAITS.afterGap],
      ]);
      expect(scanner.counters.tailsDropped).toBe(1);
    });

    it('has room again after dropping a line, and is synchronised at the end of that line', () => {
      const { scanner, lines } = recordingScanner({ halves: 2, maxTailBytes: 64 });
      scanner.begin(0);
      scanner.begin(1);
      for (let round = 0; round < 3; round += 1) {
        scanText(scanner, 0, 'kept');
        scanText(scanner, 1, 'given up\r');
        scanText(scanner, 0, '\r\n');
        scanText(scanner, 1, '\nnext\r\n');
      }
      expect(lines.filter(({ half }) => half === 0).map(({ text }) => text)).toEqual([
        'kept',
        'kept',
        'kept',
      ]);
      expect(lines.filter(({ half }) => half === 1).map(({ text, traits }) => [text, traits])).toEqual([
        ['next', LINE_TRAITS.afterGap],
        ['next', LINE_TRAITS.afterGap],
        ['next', LINE_TRAITS.afterGap],
      ]);
      expect(scanner.counters.tailsDropped).toBe(3);
    });

    it('has room again after lines finished, were lost or were forgotten', () => {
      const { scanner, lines } = recordingScanner({ halves: 1, maxTailBytes: 64 });
      for (let round = 0; round < 5; round += 1) {
        scanner.begin(0);
        scanText(scanner, 0, 'one');
        scanText(scanner, 0, '\r\ntwo');
        if (round % 2 === 0) scanner.lose(0);
        else scanner.forget(0);
      }
      expect(lines.map(({ text }) => text)).toEqual(['one', 'one', 'one', 'one', 'one']);
      expect(scanner.counters.tailsDropped).toBe(0);
    });
  });
});
