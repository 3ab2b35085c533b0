/** EPRT and 229 against equivalent regular expressions. */
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExtendedPassiveReply, readExtendedPortArgument } from '../../src/ftp/extended.js';
import { formatIpAddress, parseIpAddress } from '../../src/wire/ip-address.js';
import { readAside, type Verdict } from './grammar.js';

const MALFORMED: Verdict = { fault: 'malformed', address: undefined, port: undefined };

function withPort(address: string | undefined, digits: string, from: number, to: number): Verdict {
  const port = Number(digits);
  if (port < 1 || port > 65_535) return { fault: 'port-out-of-range', address, port };
  return { address, port, from, to };
}

/** Returns the RFC 5952 text of an address, with its RFC 2428 protocol. */
function canonical(text: string): { address: string; protocol: string } | undefined {
  if (isIPv4(text)) return { address: text, protocol: '1' };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { address: formatIpAddress(parseIpAddress(text) ?? new Uint8Array(16)), protocol: '2' };
}

function extendedPortTwin(line: string): Verdict {
  const match = /^(EPRT[ \t]*)(([!-/:-~])([^])\3((?:(?!\3)[^])*)\3(\d{1,5})\3)[ \t]*$/.exec(line);
  if (match === null) return MALFORMED;
  const [, before = '', all = '', , protocol, address = '', digits = ''] = match;
  const known = canonical(address);
  if (known?.protocol !== protocol) return MALFORMED;
  return withPort(known?.address, digits, before.length, before.length + all.length);
}

function extendedPassiveTwin(line: string): Verdict {
  const groups = [...line.slice(4).matchAll(/\((([!-/:-~])\2\2(\d{1,5})\2)\)/g)];
  const [only, ...others] = groups;
  if (only === undefined || others.length > 0) return MALFORMED;
  const [, inner = '', , digits = ''] = only;
  const from = 4 + only.index + 1;
  return withPort(undefined, digits, from, from + inner.length);
}

const delimiter = fc.oneof(
  { weight: 4, arbitrary: fc.constant('|') },
  fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  fc.constantFrom('!', '~', '(', ')', ' ', '5', ':', '.', 'a', '\x7f'),
);
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('fe80::1%eth0', '::ffff:10.0.0.1', '10.0.0', '010.0.0.1', 'host', '', '::1 ', '1::2::3'),
);
const port = fc.oneof(
  fc.nat(70_000).map(String),
  fc.constantFrom(
    '0',
    '1',
    '65535',
    '65536',
    '99999',
    '100000',
    '00021',
    '',
    '-1',
    '+1',
    '1e3',
    '0x50',
    ' 80',
  ),
);

const argument = fc
  .tuple(
    delimiter,
    fc.constantFrom('1', '2', '3', '', '01'),
    address,
    port,
    fc.constantFrom('', '', '', ' ', 'x', '|'),
  )
  .map(([d, protocol, host, digits, rest]) => `${d}${protocol}${d}${host}${d}${digits}${d}${rest}`);

const group = fc
  .tuple(delimiter, port, fc.constantFrom('', '', '', '1|10.0.0.1'))
  .map(([d, digits, inside]) => `(${d}${d}${inside}${d}${digits}${d})`);
const reply = fc
  .array(fc.oneof(group, fc.constantFrom('(', ')', '|', 'Entering Extended Passive Mode ', '()')), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''));

/** Removes, inserts or replaces one byte at any place: parsers fail on input that is nearly valid. */
const damaged = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(texts, fc.nat(), fc.constantFrom('', '|', '!', '(', '1', ' '), fc.nat(1))
    .map(([text, place, inserted, removed]) => {
      const at = text.length === 0 ? 0 : place % text.length;
      return text.slice(0, at) + inserted + text.slice(at + (inserted === '' ? 1 : removed));
    });

describe('readExtendedPortArgument', () => {
  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(fc.oneof(argument, damaged(argument)), fc.constantFrom('', ' ', '\t '), (text, blanks) => {
        const line = `EPRT${blanks}${text}`;
        expect(readAside(readExtendedPortArgument, line)).toEqual(extendedPortTwin(line));
      }),
      { numRuns: 4000 },
    );
  });

  it.each([fc.ipV4(), fc.ipV6()])('reads every address and port it should', (addresses) => {
    fc.assert(
      fc.property(addresses, fc.integer({ min: 1, max: 65_535 }), (text, number) => {
        const known = canonical(text);
        const line = `EPRT |${known?.protocol ?? ''}|${text}|${number}|`;
        const expected = { address: known?.address, port: number, from: 5, to: line.length };
        expect(readAside(readExtendedPortArgument, line)).toEqual(expected);
      }),
    );
  });
});

describe('readExtendedPassiveReply', () => {
  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(fc.oneof(reply, damaged(reply), damaged(group)), (text) => {
        const line = `229 ${text}`;
        expect(readAside(readExtendedPassiveReply, line)).toEqual(extendedPassiveTwin(line));
      }),
      { numRuns: 4000 },
    );
  });
});

describe('a fault', () => {
  it.each([
    ['EPRT  1', 6],
    ['EPRT |12|', 5],
    ['EPRT |1|10.0.0|80|', 8],
    ['EPRT |2|10.0.0.1|80|', 6],
    ['EPRT |1|10.0.0.1|x|', 17],
    ['EPRT |1|10.0.0.1|80| x', 21],
    ['EPRT |1|10.0.0.1|65536|', 17],
  ])('of %j is seen at %i', (line, at) => {
    expect(readExtendedPortArgument(Buffer.from(line), 0, line.length)).toMatchObject({ ok: false, at });
  });

  it.each([
    ['229 none', 4],
    ['229 (|||1|) (|||2|)', 13],
    ['229 (|||65536|)', 8],
  ])('of %j is seen at %i', (line, at) => {
    expect(readExtendedPassiveReply(Buffer.from(line), 0, line.length)).toMatchObject({ ok: false, at });
  });
});
