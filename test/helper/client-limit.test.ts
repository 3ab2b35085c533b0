/** What one client may have: connections that are followed, and pinholes that are not used yet. */
import { describe, expect, it } from 'vitest';
import { ClientRate } from '../../src/helper/client-rate.js';
import { ClientLimit } from '../../src/helper/client-limit.js';
import { PendingPinholes } from '../../src/helper/pending-pinholes.js';
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { Dialogue, IPV4, newHelper, tuple } from './dialogue.js';

const address = (text: string): IpAddress => parseIpAddress(text) ?? new Uint8Array();
const ONE = address('192.0.2.1');
const OTHER = address('192.0.2.2');

describe('connections of a client', () => {
  it('are admitted up to the limit, and again when one is released', () => {
    const limit = new ClientLimit(2);
    expect([limit.admit(ONE), limit.admit(ONE), limit.admit(ONE)]).toEqual([true, true, false]);
    expect(limit.admit(OTHER)).toBe(true);
    limit.release(ONE);
    expect([limit.admit(ONE), limit.admit(ONE)]).toEqual([true, false]);
  });

  it('are those of a whole /64 in IPv6', () => {
    const limit = new ClientLimit(1);
    expect(limit.admit(address('2001:db8:1:2::1'))).toBe(true);
    expect(limit.admit(address('2001:db8:1:2:ffff::9'))).toBe(false);
    expect(limit.admit(address('2001:db8:1:3::1'))).toBe(true);
    // No address of the other family shares its beginning.
    expect(limit.admit(address('32.1.13.184'))).toBe(true);
  });

  it('beyond the limit are released and not read, and do not count', () => {
    const helper = newHelper({ maxConnectionsPerClient: 1 });
    const first = new Dialogue(helper).login();
    const second = new Dialogue(helper, { ...IPV4, client: '10.1.0.2:40001' });
    second.login().client('PORT 10,1,0,2,156,65\r\n');
    expect(second.effects[0]).toEqual({
      kind: 'release',
      connection: tuple('10.1.0.2:40001 > 10.2.0.2:21'),
      cause: 'client-limit',
    });
    expect(second.summary).toEqual([]);
    first.client('PORT 10,1,0,2,156,64\r\n');
    expect(first.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
    expect(helper.connections).toBe(1);
    expect(helper.counters.clientLimited).toBeGreaterThan(0);
  });

  it('make room for another one when they end, or are forgotten', () => {
    const helper = newHelper({ maxConnectionsPerClient: 1 });
    const open = (port: number): string[] => {
      const dialogue = new Dialogue(helper, { ...IPV4, client: `10.1.0.2:${port}` });
      return dialogue.login().client('PORT 10,1,0,2,156,64\r\n').summary;
    };
    const EXPECTED = ['PORT 10.1.0.2:40000 expected'];
    expect(open(40_000)).toEqual(EXPECTED);
    helper.giveUp(tuple('10.1.0.2:40000 > 10.2.0.2:21'));
    expect(open(40_001)).toEqual(EXPECTED);
    helper.expire(1e12);
    expect(open(40_002)).toEqual(EXPECTED);
    expect(open(40_003)).toEqual([]);
  });
});

describe('pinholes of a client that are not used yet', () => {
  const pinhole = (port: number): ReturnType<typeof tuple> => tuple(`10.2.0.2:0 > 192.0.2.1:${port}`);

  it('are admitted up to the limit, and again when one has ended', () => {
    const pending = new PendingPinholes(2);
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4002), ONE, 300);
    expect([pending.admits(ONE), pending.admits(OTHER)]).toEqual([false, true]);
    pending.ended(pinhole(4001));
    expect(pending.admits(ONE)).toBe(true);
    // Told twice, or of one that is none of ours.
    pending.ended(pinhole(4001));
    pending.ended(pinhole(9));
    pending.opened(pinhole(4003), ONE, 300);
    expect(pending.admits(ONE)).toBe(false);
  });

  it('count once when they are begun anew', () => {
    const pending = new PendingPinholes(2);
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4001), ONE, 310);
    expect([pending.size, pending.admits(ONE)]).toEqual([1, true]);
    pending.expire(305);
    expect(pending.size).toBe(1);
  });

  it('end with their lifetime where conntrack’s word was lost', () => {
    const pending = new PendingPinholes(1);
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4002), OTHER, 320);
    pending.expire(300);
    expect([pending.size, pending.admits(ONE), pending.admits(OTHER)]).toEqual([1, true, false]);
  });
});

describe('requests of a client', () => {
  it('are so many a second', () => {
    const rate = new ClientRate(2);
    const taken = [10, 10.5, 10.9, 11].map((now) => rate.take(ONE, now));
    expect(taken).toEqual([true, true, false, true]);
    expect(rate.take(OTHER, 11)).toBe(true);
  });
});
