import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressKey,
  formatIpAddress,
  ipFamily,
  parseIpAddress,
  sameIpAddress,
  type IpAddress,
} from '../../src/wire/ip-address.js';
import { ipAddress } from './packets.js';

const hex = (address: IpAddress | undefined): string | undefined =>
  address === undefined ? undefined : Buffer.from(address).toString('hex');

const anyAddress = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Runs of zeros, which can be written in many ways.
  fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xdb8, 0xffff), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]))),
);

describe('parseIpAddress', () => {
  it.each([
    ['10.1.0.2', '0a010002'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::2', '20010db8000000000000000000000002'],
    ['2001:DB8:0:1:2:3:4:5', '20010db8000000010002000300040005'],
    ['::ffff:10.1.0.2', '00000000000000000000ffff0a010002'],
    ['1:2:3:4:5:6:10.1.0.2', '0001000200030004000500060a010002'],
    ['64:ff9b::10.1.0.2', '0064ff9b0000000000000000' + '0a010002'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ])('reads %s', (text, bytes) => {
    expect(hex(parseIpAddress(text))).toBe(bytes);
  });

  it.each([
    '',
    '10.1.0',
    '10.1.0.2.3',
    '10.1.0.256',
    '010.1.0.2',
    '0x0a.1.0.2',
    '10.1.0.2 ',
    ' 10.1.0.2',
    '167837698',
    'localhost',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    '12345::',
    'g::',
    '[::1]',
    'fe80::1%eth0',
    '::10.1.0',
    '::10.1.0.256',
  ])('reads no address in "%s"', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });
});

describe('formatIpAddress', () => {
  it.each([
    ['10.1.0.2', '10.1.0.2'],
    // RFC 5952 §4: no leading zeros, lower case, the longest run of zeros shortened, the first of two equal
    // ones.
    ['2001:0db8:0000:0000:0000:0000:0000:0002', '2001:db8::2'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AbC', '2001:db8::abc'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::ffff:10.1.0.2', '::ffff:10.1.0.2'],
  ])('writes %s as %s', (text, expected) => {
    expect(formatIpAddress(ipAddress(text))).toBe(expected);
  });

  it('writes text that reads back as the same bytes, and IPv6 without a zone', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        const text = formatIpAddress(address);
        expect(hex(parseIpAddress(text))).toBe(hex(address));
        expect(isIPv6(text)).toBe(ipFamily(address) === 6);
      }),
    );
  });
});

describe('sameIpAddress', () => {
  it('is true only for the same bytes', () => {
    fc.assert(
      fc.property(
        anyAddress,
        anyAddress,
        fc.nat(15),
        fc.integer({ min: 1, max: 255 }),
        (one, other, at, change) => {
          expect(sameIpAddress(one, Uint8Array.from(one))).toBe(true);
          expect(sameIpAddress(one, other)).toBe(hex(one) === hex(other));
          const changed = Uint8Array.from(one, (byte, index) =>
            index === at % one.length ? byte ^ change : byte,
          );
          expect(sameIpAddress(one, changed)).toBe(false);
        },
      ),
    );
  });

  it('distinguishes IPv4 from IPv6 even if one begins like the other', () => {
    expect(sameIpAddress(Uint8Array.of(0, 0, 0, 0), new Uint8Array(16))).toBe(false);
    expect(sameIpAddress(new Uint8Array(16), Uint8Array.of(0, 0, 0, 0))).toBe(false);
  });
});

describe('addressKey', () => {
  it('is equal only for the same bytes', () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, (one, other) => {
        expect(addressKey(one)).toBe(addressKey(Uint8Array.from(one)));
        expect(addressKey(one) === addressKey(other)).toBe(sameIpAddress(one, other));
      }),
    );
  });

  it('covers the requested length', () => {
    const one = ipAddress('2001:db8:1:2::1');
    expect(addressKey(one, 8)).toBe(addressKey(ipAddress('2001:db8:1:2:ffff::'), 8));
    expect(addressKey(one, 8)).not.toBe(addressKey(ipAddress('2001:db8:1:3::1'), 8));
  });
});
