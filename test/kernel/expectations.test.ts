import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FOLLOW_MASTER } from '../../src/wire/expectation.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';
import { Namespace } from '../lab/namespace.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { Agent } from './agent.js';
import { helped, pinholeFor } from './control-connection.js';

const FAMILIES = [
  { family: 4, client: '10.1.0.2', server: '10.2.0.2', other: '10.1.0.3' },
  { family: 6, client: '2001:db8:1::2', server: '2001:db8:2::2', other: '2001:db8:1::3' },
];
/** The lifetime in the policy of the helper `sane`, seconds. */
const SANE_LIFETIME = 300;
/** Some time passes between setting a lifetime and reading it. */
const nearly = (seconds: number): unknown =>
  expect.toSatisfy((left: number) => left <= seconds && left >= seconds - 2);

describe.each(FAMILIES)('expectations over ctnetlink, IPv$family', ({ family, client, server, other }) => {
  let namespace: Namespace;
  let agent: Agent;
  beforeAll(async () => {
    namespace = await Namespace.create('pinhole');
    agent = await Agent.start(namespace);
  });
  afterAll(async () => {
    await agent.stop();
    await namespace.remove();
  });

  const otherFamily = family === 4 ? tupleOf('::1', 1, '::2', 2) : tupleOf('127.0.0.1', 1, '127.0.0.2', 2);
  /** Every test uses its own client port, so that tests do not share entries. */
  const master = async (port: number): Promise<Tuple> => {
    const tuple = tupleOf(client, port, server, 21);
    await agent.ask('makeEntry', helped(tuple));
    return tuple;
  };

  it("let the peer connect from any port, for the helper's own lifetime", async () => {
    const tuple = await master(4001);
    const pinhole = pinholeFor(tuple, 40001);
    expect(await agent.ask('openPinhole', pinhole)).toBe('opened');
    expect(await agent.ask('findExpectation', pinhole.tuple)).toMatchObject({
      master: tuple,
      tuple: pinhole.tuple,
      sourceMask: new Uint8Array(tuple.source.length).fill(0xff),
      sourcePortMask: 0,
      timeout: nearly(SANE_LIFETIME),
      helper: 'sane',
      class: 0,
      flags: 0,
      fn: undefined,
      nat: undefined,
    });
  });

  it('are limited to a source port if one is given', async () => {
    const pinhole = pinholeFor(await master(4002), 40002);
    const fromPort20 = { ...pinhole, tuple: { ...pinhole.tuple, sourcePort: 20 } };
    expect(await agent.ask('openPinhole', fromPort20)).toBe('opened');
    expect(await agent.ask('findExpectation', fromPort20.tuple)).toMatchObject({
      tuple: fromPort20.tuple,
      sourcePortMask: 0xffff,
    });
    expect(await agent.ask('findExpectation', pinhole.tuple)).toBeUndefined();
  });

  it('have the requested lifetime', async () => {
    const pinhole = { ...pinholeFor(await master(4003), 40003), lifetime: 20 };
    expect(await agent.ask('openPinhole', pinhole)).toBe('opened');
    expect((await agent.ask('findExpectation', pinhole.tuple))?.timeout).toEqual(nearly(20));
  });

  it('carry the NAT of their master', async () => {
    const pinhole = pinholeFor(await master(4004), 40004);
    const announced = { ...invertTuple(pinhole.tuple), sourcePort: 50004, destinationPort: 0 };
    const translated = { ...pinhole, nat: { direction: 1 as const, tuple: announced } };
    expect(await agent.ask('openPinhole', translated)).toBe('opened');
    const found = await agent.ask('findExpectation', pinhole.tuple);
    expect(found).toMatchObject({ fn: FOLLOW_MASTER, nat: { direction: 1, tuple: { sourcePort: 50004 } } });
  });

  it('are refreshed, not duplicated, by a second request', async () => {
    const pinhole = { ...pinholeFor(await master(4005), 40005), lifetime: 20 };
    await agent.ask('openPinhole', pinhole);
    const first = await agent.ask('findExpectation', pinhole.tuple);
    expect(await agent.ask('openPinhole', { ...pinhole, lifetime: 90 })).toBe('refreshed');
    const second = await agent.ask('findExpectation', pinhole.tuple);
    expect(second?.timeout).toEqual(nearly(90));
    expect(second?.id).toBe(first?.id);
    expect(await agent.ask('openPinhole', { ...pinhole, lifetime: undefined })).toBe('refreshed');
    expect((await agent.ask('findExpectation', pinhole.tuple))?.timeout).toEqual(nearly(SANE_LIFETIME));
  });

  it('are replaced if requested with different NAT', async () => {
    const pinhole = pinholeFor(await master(4006), 40006);
    const announced = { ...invertTuple(pinhole.tuple), sourcePort: 50006, destinationPort: 0 };
    await agent.ask('openPinhole', pinhole);
    const translated = { ...pinhole, nat: { direction: 1 as const, tuple: announced } };
    expect(await agent.ask('openPinhole', translated)).toBe('opened');
    expect((await agent.ask('findExpectation', pinhole.tuple))?.nat?.tuple.sourcePort).toBe(50006);
    const moved = {
      ...translated,
      nat: { direction: 1 as const, tuple: { ...announced, sourcePort: 50007 } },
    };
    expect(await agent.ask('openPinhole', moved)).toBe('opened');
    expect((await agent.ask('findExpectation', pinhole.tuple))?.nat?.tuple.sourcePort).toBe(50007);
  });

  it('are evicted by the next one of the same master', async () => {
    const tuple = await master(4007);
    expect(await agent.ask('openPinhole', pinholeFor(tuple, 40007))).toBe('opened');
    expect(await agent.ask('openPinhole', pinholeFor(tuple, 40008))).toBe('opened');
    expect(await agent.ask('findExpectation', pinholeFor(tuple, 40007).tuple)).toBeUndefined();
    expect(await agent.ask('findExpectation', pinholeFor(tuple, 40008).tuple)).toBeDefined();
  });

  it("clash with another connection's, which stays unchanged", async () => {
    const [one, another] = [await master(4008), await master(4009)];
    const first = { ...pinholeFor(one, 40009), lifetime: 20 };
    await agent.ask('openPinhole', first);
    expect(await agent.ask('openPinhole', { ...pinholeFor(another, 40009), lifetime: 90 })).toBe('clash');
    expect(await agent.ask('findExpectation', first.tuple)).toMatchObject({
      master: one,
      timeout: nearly(20),
    });
    expect(await agent.ask('closePinhole', pinholeFor(another, 40009))).toBe(false);
    expect(await agent.ask('closePinhole', first)).toBe(true);
  });

  it("clash with another connection's if that one names a source port and this one does not", async () => {
    const [one, another] = [await master(4010), await master(4011)];
    const fromAnyPort = pinholeFor(another, 40010);
    const fromPort20 = { ...fromAnyPort, master: one, tuple: { ...fromAnyPort.tuple, sourcePort: 20 } };
    expect(await agent.ask('openPinhole', fromPort20)).toBe('opened');
    expect(await agent.ask('openPinhole', fromAnyPort)).toBe('clash');
  });

  it('can be deleted once', async () => {
    const pinhole = pinholeFor(await master(4012), 40012);
    await agent.ask('openPinhole', pinhole);
    expect(await agent.ask('closePinhole', pinhole)).toBe(true);
    expect(await agent.ask('closePinhole', pinhole)).toBe(false);
    expect(await agent.ask('findExpectation', pinhole.tuple)).toBeUndefined();
  });

  it('end with their master', async () => {
    const tuple = await master(4013);
    const pinhole = pinholeFor(tuple, 40013);
    await agent.ask('openPinhole', pinhole);
    await agent.ask('removeEntry', tuple);
    expect(await agent.ask('findExpectation', pinhole.tuple)).toBeUndefined();
    expect(await agent.ask('openPinhole', pinhole)).toBe('master-gone');
  });

  it('are refused for a master without a helper', async () => {
    const tuple = tupleOf(client, 4014, server, 21);
    const { helper, ...plain } = helped(tuple);
    expect(helper).toBe('sane');
    await agent.ask('makeEntry', plain);
    expect(await agent.ask('openPinhole', pinholeFor(tuple, 40014))).toBe('no-helper');
  });

  it('exist only in the zone of their master', async () => {
    const tuple = tupleOf(client, 4015, server, 21);
    await agent.ask('makeEntry', { ...helped(tuple), zone: 9 });
    const pinhole = pinholeFor(tuple, 40015);
    expect(await agent.ask('openPinhole', pinhole)).toBe('master-gone');
    const inZone = { ...pinhole, zone: 9, lifetime: 30 };
    expect(await agent.ask('openPinhole', inZone)).toBe('opened');
    expect(await agent.ask('openPinhole', inZone)).toBe('refreshed');
    expect(await agent.ask('findExpectation', pinhole.tuple)).toBeUndefined();
    expect(await agent.ask('findExpectation', pinhole.tuple, 9)).toMatchObject({ master: tuple });
    expect(await agent.ask('closePinhole', pinhole)).toBe(false);
    expect(await agent.ask('closePinhole', inZone)).toBe(true);
    expect(await agent.ask('findExpectation', pinhole.tuple, 9)).toBeUndefined();
  });

  it('give an error with the errno if the kernel refuses for an unknown reason', async () => {
    const pinhole = pinholeFor(await master(4016), 40016);
    await expect(agent.ask('openPinhole', { ...pinhole, master: otherFamily })).rejects.toMatchObject({
      code: 'ERR_NETLINK_REJECTED',
      operation: 'create an expectation',
      errnoName: 'EINVAL',
    });
  });

  it('are refused when the expectation table is full', async () => {
    const limit = Number(
      await namespace.runChecked(['sysctl', '-n', 'net.netfilter.nf_conntrack_expect_max']),
    );
    const masters = Array.from({ length: limit + 1 }, (_, count) => tupleOf(other, 5000 + count, server, 21));
    const { opened, outcome } = await agent.ask('openUntilRefused', masters);
    expect(outcome).toBe('table-full');
    expect(opened).toBeLessThanOrEqual(limit);
    expect(opened).toBeGreaterThan(limit - 50);
  });
});

describe('a process without permission in its namespace', () => {
  let namespace: Namespace;
  beforeAll(async () => {
    namespace = await Namespace.create('denied');
  });
  afterAll(async () => {
    await namespace.remove();
  });

  it('gets EPERM for every request of a transaction', async () => {
    const agent = await Agent.start(namespace, { netAdmin: false });
    const tuple = tupleOf('10.1.0.2', 4001, '10.2.0.2', 21);
    const refused = { code: 'ERR_NETLINK_REJECTED', errnoName: 'EPERM' };
    await expect(agent.ask('openPinhole', pinholeFor(tuple))).rejects.toMatchObject(refused);
    await expect(agent.ask('findEntry', tuple)).rejects.toMatchObject(refused);
    const adjustment = { position: 0, offsetBefore: 0, offsetAfter: 0 };
    await expect(agent.ask('adjustSequence', tuple, 'reply', adjustment)).rejects.toMatchObject(refused);
    await agent.stop();
  });

  it('gets EBADF from a closed socket', async () => {
    const agent = await Agent.start(namespace);
    await agent.ask('closeSocket');
    await agent.ask('closeSocket');
    const tuple = tupleOf('10.1.0.2', 4001, '10.2.0.2', 21);
    await expect(agent.ask('findEntry', tuple)).rejects.toMatchObject({
      code: 'ERR_SYSTEM_CALL',
      errnoName: 'EBADF',
    });
    await agent.stop();
  });
});
