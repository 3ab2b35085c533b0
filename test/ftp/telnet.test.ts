/** RFC 854 sequences in a line: the text that remains without them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stripTelnet } from '../../src/ftp/telnet.js';

function strip(text: string): string {
  const bytes = Buffer.from(`<${text}>`, 'latin1');
  const target = Buffer.alloc(text.length);
  const length = stripTelnet(bytes, 1, bytes.length - 1, target);
  return target.toString('latin1', 0, length);
}

describe('stripTelnet', () => {
  it.each([
    ['interrupt process and data mark', '\xff\xf4\xff\xf2ABOR', 'ABOR'],
    ['are you there', 'NO\xff\xf6OP', 'NOOP'],
    [
      'WILL, WONT, DO, DONT with their option',
      '\xff\xfb\x01a\xff\xfc\x02b\xff\xfd\x03c\xff\xfe\x04d',
      'abcd',
    ],
    ['an option that is IAC', '\xff\xfd\xffQUIT', 'QUIT'],
    ['a subnegotiation', 'a\xff\xfa\x18\x00vt100\xff\xf0b', 'ab'],
    ['a subnegotiation with a doubled IAC', 'a\xff\xfa\x18\xff\xff\xf0\xff\xf0b', 'ab'],
    ['a subnegotiation at the end', 'ab\xff\xfa\x18\xff\xf0', 'ab'],
    ['an empty subnegotiation at the end', 'ab\xff\xfa\xff\xf0', 'ab'],
    ['a command at the end', 'ab\xff\xf1', 'ab'],
    ['an option at the end', 'ab\xff\xfd\x01', 'ab'],
    ['a doubled IAC, which stands for itself', 'a\xff\xffb', 'a\xffb'],
    ['a lone IAC at the end', 'ab\xff', 'ab\xff'],
    ['an option that is missing', 'ab\xff\xfd', 'ab\xff\xfd'],
    ['a subnegotiation that does not end', 'ab\xff\xfa\x18\xff', 'ab\xff\xfa\x18\xff'],
    ['nothing to strip', 'plain', 'plain'],
  ])('%s', (_, line, stripped) => {
    expect(strip(line)).toBe(stripped);
  });

  it('agrees with a regular expression', () => {
    const sequence =
      /\xff(?<doubled>\xff)|(?<whole>\xff(?:\xfa(?:[^\xff]|\xff[^\xf0])*\xff\xf0|[\xfb-\xfe][^]|[^\xfa-\xff]))|\xff[^]*$/g;
    const twin = (line: string): string =>
      line.replace(
        sequence,
        (found, doubled?: string, whole?: string) => doubled ?? (whole === undefined ? found : ''),
      );
    const lines = fc
      .array(fc.constantFrom(0xff, 0xff, 0xfa, 0xf0, 0xfb, 0xfe, 0xf4, 0x41, 0x00), { maxLength: 14 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(lines, (line) => {
        expect(strip(line)).toBe(twin(line));
      }),
      { numRuns: 2000 },
    );
  });
});
