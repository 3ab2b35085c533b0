/** Verbs are recognised without strings; compared here with strings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasArgumentAll, isFtpVerb, NO_VERB, verbAt, VERBS } from '../../src/ftp/command.js';

const verbOf = (line: string): number => verbAt(Buffer.from(`A${line}A`, 'latin1'), 1, 1 + line.length);

describe('verbAt', () => {
  it('recognises each verb in any case, with and without an argument', () => {
    for (const [name, verb] of Object.entries(VERBS)) {
      const mixed = name.charAt(0).toUpperCase() + name.slice(1);
      for (const line of [name, name.toUpperCase(), mixed, `${name} x`, `${name}\tx`, `${name} `]) {
        expect(verbOf(line)).toBe(verb);
      }
    }
  });

  it('recognises no other word as a verb', () => {
    const letters = fc.constantFrom(
      'p',
      'P',
      'o',
      'r',
      't',
      'T',
      'a',
      's',
      'v',
      '0',
      'P',
      ' ',
      '\x10',
      '\xf0',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), (parts) => {
        const line = parts.join('');
        const word = /^[^ \t]*/.exec(line)?.[0].toLowerCase() ?? '';
        expect(verbOf(line) === VERBS.port).toBe(word === 'port');
        expect(verbOf(line) === VERBS.pasv).toBe(word === 'pasv');
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['', 'P', 'PO', 'PORTS', 'PORT1,2', ' PORT 1', '\tPORT'])('finds none in %j', (line) => {
    expect(verbOf(line)).toBe(NO_VERB);
  });
});

describe('isFtpVerb', () => {
  it.each([
    'USER anonymous',
    'user x',
    'AUTH TLS',
    'FEAT',
    'HOST ftp.example',
    'CWD /',
    'QUIT',
    'PORT 1,2',
    'XPWD',
  ])('knows %j', (line) => {
    expect(isFtpVerb(verbOf(line))).toBe(true);
  });

  it.each([
    'GET / HTTP/1.1',
    'POST / HTTP/1.1',
    'PUT / HTTP/1.1',
    'HEAD / HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'EHLO x',
    'HELO x',
    'SSH-2.0-x',
    '\x16\x03\x01',
    'Host: x',
    '',
  ])('does not know %j', (line) => {
    expect(isFtpVerb(verbOf(line))).toBe(false);
  });
});

describe('hasArgumentAll', () => {
  it.each([
    ['EPSV ALL', true],
    ['epsv  all\t', true],
    ['EPSV', false],
    ['EPSV 1', false],
    ['EPSV AL', false],
    ['EPSV ALLE', false],
    ['EPSV ALL 1', false],
  ])('of %j is %s', (line, expected) => {
    expect(hasArgumentAll(Buffer.from(`${line}ALL`), 0, line.length)).toBe(expected);
  });
});
