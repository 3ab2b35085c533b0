/** What is written in place of an endpoint is read back as that endpoint, by the grammar of its announcement. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS, type AnnouncementRow } from '../../src/ftp/announcement.js';
import { endpointText, endpointWithWords } from '../../src/ftp/endpoint-text.js';

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
  it.each(WRITTEN)('of $kind is read back, in its place', (row, before, after, addresses) => {
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

describe('an endpoint with the words before it', () => {
  it('takes exactly the given length, and the words end as they did', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[ -~]{0,40}$/),
        fc.stringMatching(/^\d{1,20}$/),
        fc.nat(60),
        (words, endpoint, length) => {
          const punctuation = /[^A-Za-z]*$/.exec(words)?.[0] ?? '';
          const written = endpointWithWords(words, Buffer.from(endpoint), length)?.toString('latin1');
          if (length < punctuation.length + endpoint.length) {
            expect(written).toBeUndefined();
          } else {
            expect(written).toHaveLength(length);
            expect(written?.endsWith(punctuation + endpoint)).toBe(true);
          }
        },
      ),
    );
  });
});
