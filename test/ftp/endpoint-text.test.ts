/** The replacement text of an endpoint reads back as that endpoint with the grammar of its announcement. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS, type AnnouncementRow } from '../../src/ftp/announcement.js';
import { endpointText, refitWords } from '../../src/ftp/endpoint-text.js';

const { fromClient, fromServer } = ANNOUNCEMENTS;
const address = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 1, max: 65_535 });

const WRITTEN: [AnnouncementRow, string, string, fc.Arbitrary<Uint8Array>][] = [
  [fromClient.PORT, 'PORT ', '', address(4)],
  [fromClient.EPRT, 'EPRT ', '', address(4)],
  [fromClient.EPRT, 'EPRT ', '', address(16)],
  [fromServer[227], '227 Entering Passive Mode (', ').', address(4)],
  [fromServer[229], '229 Entering Extended Passive Mode (', ')', address(16)],
];

describe('the text of an endpoint', () => {
  it.each(WRITTEN)('of $kind reads back in its place', (row, before, after, addresses) => {
    fc.assert(
      fc.property(addresses, port, (host, number) => {
        const text = endpointText(row.kind, host, number);
        const line = Buffer.concat([Buffer.from(before), text, Buffer.from(after)]);
        const value = { port: number, from: before.length, to: before.length + text.length };
        const named = row.kind === '229' ? undefined : host;
        expect(row.read(line, 0, line.length)).toEqual({ ok: true, value: { ...value, address: named } });
      }),
    );
  });
});

describe('the words before an endpoint', () => {
  it.each<[string, number, string | undefined]>([
    ['Entering Passive Mode (', 5, 'Entering Passive ('],
    ['Entering Passive Mode (', -2, 'Entering Passive Mode   ('],
    ['Entering Passive Mode (', 0, 'Entering Passive Mode ('],
    ['ok (', 1, 'o ('],
    ['ok (', 2, undefined],
    ['(', 1, undefined],
    ['', -3, '   '],
    // The text before the words would touch the endpoint.
    ['1,2,3,4,5,x', 1, undefined],
    ['4,5 abc', 4, undefined],
    ['4,5 abc', 3, '4,5 '],
    ['many (((((((', 2, 'ma ((((((('],
    ['many ((((((((', 2, undefined],
  ])('%j in %i bytes less are %j', (words, growth, wanted) => {
    const refitted = refitWords(words, growth);
    const said =
      refitted && words.slice(0, words.length - refitted.replaced) + refitted.replacement.toString();
    expect(said).toBe(wanted);
  });

  it('lose exactly the required bytes and change as little as possible', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,40}$/), fc.integer({ min: -10, max: 10 }), (words, growth) => {
        const refitted = refitWords(words, growth);
        if (refitted === undefined) return;
        expect(refitted.replaced - refitted.replacement.length).toBe(growth);
        expect(refitted.replaced).toBeLessThanOrEqual(Math.min(words.length, 8 + Math.max(growth, 0)));
      }),
    );
  });
});
