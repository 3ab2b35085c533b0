/** The six numbers of PORT and 227 against equivalent regular expressions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointReading } from '../../src/ftp/endpoint.js';
import { readPassiveReply, readPortArgument } from '../../src/ftp/host-port.js';
import { readAside, type Verdict } from './grammar.js';

const GROUP = String.raw`(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})`;

/** Returns the endpoint of the six numbers of a match. */
function judgeNumbers(numbers: readonly string[], from: number, to: number): Verdict {
  const octets = numbers.map(Number);
  const address = octets.slice(0, 4);
  const [high = 0, low = 0] = octets.slice(4);
  const port = high > 255 || low > 255 ? undefined : high * 256 + low;
  const text = address.some((octet) => octet > 255) ? undefined : address.join('.');
  if (text === undefined || port === undefined) return { fault: 'octet-out-of-range', address: text, port };
  if (port === 0) return { fault: 'port-out-of-range', address: text, port };
  return { address: text, port, from, to };
}

const MALFORMED: Verdict = { fault: 'malformed', address: undefined, port: undefined };

function portTwin(line: string): Verdict {
  const match = new RegExp(`^(PORT[ \t]*)(${GROUP})[ \t]*$`).exec(line);
  if (match === null) return MALFORMED;
  const [, before = '', group = '', ...numbers] = match;
  return judgeNumbers(numbers, before.length, before.length + group.length);
}

function passiveTwin(line: string): Verdict {
  const runs = [...line.slice(4).matchAll(/[\d.,]+/g)];
  const groups = runs.flatMap((run) => {
    const match = new RegExp(`^([.,]*)(${GROUP})[.,]*$`).exec(run[0]);
    return match === null ? [] : [{ at: 4 + run.index, match }];
  });
  const [only, ...others] = groups;
  if (only === undefined || others.length > 0) return MALFORMED;
  const [, before = '', group = '', ...numbers] = only.match;
  const from = only.at + before.length;
  return judgeNumbers(numbers, from, from + group.length);
}

/** Numbers near the limits of an octet, and separators that combine them correctly and incorrectly. */
const number = fc.oneof(
  { weight: 6, arbitrary: fc.nat(255).map(String) },
  fc.constantFrom('0', '00', '007', '255', '256', '999', '1000', '-1', '+1', '', 'x', ' 1'),
);
const group = fc.array(number, { minLength: 5, maxLength: 7 }).map((numbers) => numbers.join(','));
const six = fc.array(fc.nat(260), { minLength: 6, maxLength: 6 }).map((numbers) => numbers.join(','));
const filler = fc.constantFrom(
  '',
  ' ',
  '\t',
  '(',
  ')',
  '.',
  ',',
  '=',
  'Mode 2 ',
  ' of 5',
  '10.0.0.1',
  '\xff',
  '\0',
);
const texts = fc.array(fc.oneof(six, group, filler), { maxLength: 6 }).map((parts) => parts.join(''));

describe('readPortArgument', () => {
  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(fc.oneof(texts, six), fc.constantFrom('', ' ', '  ', '\t '), (text, blanks) => {
        const line = `PORT${blanks}${text}`;
        expect(readAside(readPortArgument, line)).toEqual(portTwin(line));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads every address and port it should', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { minLength: 6, maxLength: 6 }), (octets) => {
        fc.pre(octets[4] !== 0 || octets[5] !== 0);
        const line = `PORT ${octets.join(',')}`;
        expect(readAside(readPortArgument, line)).toEqual({
          address: octets.slice(0, 4).join('.'),
          port: (octets[4] ?? 0) * 256 + (octets[5] ?? 0),
          from: 5,
          to: line.length,
        });
      }),
    );
  });
});

describe('readPassiveReply', () => {
  it('agrees with regular expressions', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const line = `227 ${text}`;
        expect(readAside(readPassiveReply, line)).toEqual(passiveTwin(line));
      }),
      { numRuns: 4000 },
    );
  });
});

describe('a fault', () => {
  it.each([
    ['PORT', 4],
    ['PORT  1,2,3', 6],
    ['PORT 1,2,3,4,5,6x', 16],
    ['PORT 1,2,300,4,5,6', 9],
    ['PORT 1,2,3,4,0,0', 13],
  ])('of %j is seen at %i', (line, at) => {
    const reading: EndpointReading = readPortArgument(Buffer.from(line), 0, line.length);
    expect(reading).toMatchObject({ ok: false, at });
  });
});
