/** What one client may have: connections that are followed, and pinholes that are not used yet. */
import { describe, expect, it } from 'vitest';
import { ClientRate } from '../../src/helper/client-rate.js';
import { ClientLimit } from '../../src/helper/client-limit.js';
import { PendingExpectations } from '../../src/helper/pending-expectations.js';
import { parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { ACK, Dialogue, IPV4, newHelper, SYN, tuple, type HelperUnderTest } from './dialogue.js';

const address = (text: string): IpAddress => parseIpAddress(text) ?? new Uint8Array();
const ONE = address('192.0.2.1');
const OTHER = address('192.0.2.2');

describe('connections of a client', () => {
  it('make room for each other beyond the limit, the first of them first', () => {
    const limit = new ClientLimit(2);
    expect([limit.admit(1, ONE), limit.admit(2, ONE), limit.admit(3, ONE)]).toEqual([
      undefined,
      undefined,
      1,
    ]);
    expect(limit.admit(4, OTHER)).toBeUndefined();
    limit.release(1, ONE);
    limit.release(3, ONE);
    expect([limit.admit(5, ONE), limit.admit(6, ONE)]).toEqual([undefined, 2]);
  });

  it('are those of a whole /64 in IPv6', () => {
    const limit = new ClientLimit(1);
    expect(limit.admit(1, address('2001:db8:1:2::1'))).toBeUndefined();
    expect(limit.admit(2, address('2001:db8:1:2:ffff::9'))).toBe(1);
    expect(limit.admit(3, address('2001:db8:1:3::1'))).toBeUndefined();
    // No address of the other family shares its beginning.
    expect(limit.admit(4, address('32.1.13.184'))).toBeUndefined();
  });

  const speak = (helper: HelperUnderTest, port: number): Dialogue =>
    new Dialogue(helper, { ...IPV4, client: `10.1.0.2:${port}` }).login();

  it('that are displaced are picked up in the middle, and those of other clients stay', () => {
    const helper = newHelper({ maxConnectionsPerClient: 1 });
    const other = new Dialogue(helper, { ...IPV4, client: '10.1.0.9:40000' }).login();
    const first = speak(helper, 40_000);
    const second = speak(helper, 40_001).client('PORT 10,1,0,2,156,65\r\n');
    expect(second.summary).toEqual(['PORT 10.1.0.2:40001 expected']);
    expect(other.client('PORT 10,1,0,9,156,64\r\n').summary).toEqual(['PORT 10.1.0.9:40000 expected']);
    // Its first line puts it in step; nothing that it says is lost to its server.
    expect(first.client('NOOP\r\n').client('PORT 10,1,0,2,156,64\r\n').summary).toEqual([
      'PORT 10.1.0.2:40000 expected',
    ]);
    expect([helper.connections, helper.limitCounters.connectionsDisplacedByOwn]).toEqual([2, 2]);
  });

  it('do not count before their client has said something: its address may be forged', () => {
    const helper = newHelper({ maxConnectionsPerClient: 1 });
    const honest = speak(helper, 40_000);
    for (let port = 41_000; port < 41_010; port++) {
      new Dialogue(helper, { ...IPV4, client: `10.1.0.2:${port}` }).open();
    }
    expect(honest.client('PORT 10,1,0,2,156,64\r\n').summary).toEqual(['PORT 10.1.0.2:40000 expected']);
    expect(helper.limitCounters.connectionsDisplacedByOwn).toBe(0);
  });

  it('that have ended make room by that', () => {
    const helper = newHelper({ maxConnectionsPerClient: 1 });
    speak(helper, 40_000);
    const ended = tuple('10.1.0.2:40000 > 10.2.0.2:21');
    helper.onConnectionEnded({ original: ended, reply: invertTuple(ended), id: 7 });
    speak(helper, 40_001);
    helper.expire(1e12);
    speak(helper, 40_002);
    expect([helper.connections, helper.limitCounters.connectionsDisplacedByOwn]).toEqual([1, 0]);
  });
});

describe('a SYN-ACK in the middle of a connection', () => {
  it('has conntrack asked whose it is now and then only', () => {
    let asked = 0;
    const original = tuple(`${IPV4.client} > ${IPV4.server}`);
    const helper = newHelper({
      lookup: () => {
        asked++;
        return { original, reply: invertTuple(original), id: 1 };
      },
    });
    const dialogue = new Dialogue(helper).login();
    // The dialogue's clock goes on by a millisecond with each packet.
    for (let times = 0; times < 500; times++) dialogue.segment('server', 77, '', SYN | ACK);
    expect(asked).toBeLessThanOrEqual(6);
    expect(dialogue.client('PORT 10,1,0,2,156,64\r\n').summary).toEqual(['PORT 10.1.0.2:40000 expected']);
  });
});

describe('pinholes of a client that are not used yet', () => {
  const pinhole = (port: number): ReturnType<typeof tuple> => tuple(`10.2.0.2:0 > 192.0.2.1:${port}`);

  it('are admitted up to the limit, and again when one has ended', () => {
    const pending = new PendingExpectations(2);
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
    const pending = new PendingExpectations(2);
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4001), ONE, 310);
    expect([pending.size, pending.admits(ONE)]).toEqual([1, true]);
    pending.expire(305);
    expect(pending.size).toBe(1);
  });

  it('end with their lifetime where conntrack’s word was lost', () => {
    const pending = new PendingExpectations(1);
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4002), OTHER, 320);
    pending.expire(300);
    expect([pending.size, pending.admits(ONE), pending.admits(OTHER)]).toEqual([1, true, false]);
  });

  it('are looked after from the oldest on', () => {
    const pending = new PendingExpectations(2);
    expect(pending.oldest(ONE)).toBeUndefined();
    pending.opened(pinhole(4001), ONE, 300);
    pending.opened(pinhole(4002), ONE, 300);
    pending.opened(pinhole(4001), ONE, 310);
    expect(pending.oldest(ONE)).toEqual(pinhole(4002));
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
