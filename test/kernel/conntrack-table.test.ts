import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONNTRACK_STATUS } from '../../src/wire/conntrack.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';
import { restoreRules } from '../lab/firewall.js';
import { Namespace } from '../lab/namespace.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { Agent } from './agent.js';
import { helped } from './control-connection.js';

const FAMILIES = [
  { family: 4, client: '10.1.0.2', server: '10.2.0.2', router: '10.9.0.1', loopback: '127.0.0.1' },
  { family: 6, client: '2001:db8:1::2', server: '2001:db8:2::2', router: '2001:db8:9::1', loopback: '::1' },
];
/** Loopback connections to these ports get the carrier helper; those to the second port also get NAT. */
const PORT = 2121;
const REDIRECTED_PORT = 2122;
const RULES = `*raw
-A OUTPUT -p tcp --dport ${PORT} -j CT --helper sane
-A OUTPUT -p tcp --dport ${REDIRECTED_PORT} -j CT --helper sane
COMMIT
*nat
-A OUTPUT -p tcp --dport ${REDIRECTED_PORT} -j REDIRECT --to-ports ${PORT}
COMMIT
`;

describe.each(FAMILIES)('the conntrack table, IPv$family', ({ client, server, router, loopback }) => {
  let namespace: Namespace;
  let agent: Agent;
  beforeAll(async () => {
    namespace = await Namespace.create('table');
    await restoreRules(namespace, RULES);
    agent = await Agent.start(namespace);
  });
  afterAll(async () => {
    await agent.stop();
    await namespace.remove();
  });

  /** Every test uses its own client port, so that tests do not share entries. */
  const master = (port: number): Tuple => tupleOf(client, port, server, 21);

  it('finds an entry by either tuple, with or without NAT', async () => {
    const original = master(4001);
    const reply = tupleOf(server, 21, router, 60000);
    await agent.ask('makeEntry', { ...helped(original), reply });

    const found = await agent.ask('findEntry', original);
    expect(found).toMatchObject({ protocol: 6, original, reply, helper: 'sane', mark: 0, zone: 0 });
    expect(found?.timeout).toBeGreaterThan(100);
    expect(await agent.ask('findEntry', reply)).toMatchObject({ original, reply, id: found?.id });
    expect(await agent.ask('findEntry', invertTuple(original))).toBeUndefined();
  });

  it('reports a missing entry for every operation', async () => {
    const gone = master(4002);
    expect(await agent.ask('findEntry', gone)).toBeUndefined();
    expect(await agent.ask('setMark', gone, 1, 1)).toBe(false);
    expect(await agent.ask('removeEntry', gone)).toBe(false);
    const adjustment = { position: 1, offsetBefore: 0, offsetAfter: 1 };
    expect(await agent.ask('adjustSequence', gone, 'original', adjustment)).toBe('gone');
  });

  it('sets only the mark bits in the mask, by either tuple', async () => {
    const original = master(4003);
    await agent.ask('makeEntry', { ...helped(original), mark: 0xa5000000 });
    expect(await agent.ask('setMark', original, 0xffffffff, 0x0f)).toBe(true);
    expect((await agent.ask('findEntry', original))?.mark).toBe(0xa500000f);
    expect(await agent.ask('setMark', invertTuple(original), 0, 0x80000003)).toBe(true);
    expect((await agent.ask('findEntry', original))?.mark).toBe(0x2500000c);
  });

  it('deletes an entry once', async () => {
    const original = master(4004);
    await agent.ask('makeEntry', helped(original));
    expect(await agent.ask('removeEntry', invertTuple(original))).toBe(true);
    expect(await agent.ask('findEntry', original)).toBeUndefined();
    expect(await agent.ask('removeEntry', original)).toBe(false);
  });

  it('keeps zones separate', async () => {
    const original = master(4005);
    await agent.ask('makeEntry', { ...helped(original), zone: 7 });
    expect(await agent.ask('findEntry', original)).toBeUndefined();
    expect(await agent.ask('findEntry', original, 7)).toMatchObject({ original, zone: 7 });
    expect(await agent.ask('setMark', original, 1, 1)).toBe(false);
    expect(await agent.ask('setMark', original, 1, 1, 7)).toBe(true);
    expect(await agent.ask('removeEntry', original, 7)).toBe(true);
  });

  it('adjusts sequence numbers in each direction on a NATed connection with a helper', async () => {
    const original = await agent.ask('converse', loopback, REDIRECTED_PORT, PORT);
    const forward = { position: 0xfffffff0, offsetBefore: -3, offsetAfter: 2 };
    const backward = { position: 7, offsetBefore: 0, offsetAfter: -12 };
    expect(await agent.ask('adjustSequence', original, 'original', forward)).toBe('adjusted');
    expect(await agent.ask('adjustSequence', original, 'reply', backward)).toBe('adjusted');

    const found = await agent.ask('findEntry', original);
    expect(found).toMatchObject({ sequenceAdjustOriginal: forward, sequenceAdjustReply: backward });
    const wanted = CONNTRACK_STATUS.destinationNat | CONNTRACK_STATUS.sequenceAdjust;
    expect((found?.status ?? 0) & wanted).toBe(wanted);
    expect(found?.reply.sourcePort).toBe(PORT);
  });

  it('detects what the kernel does not report: a connection without NAT has no room for an adjustment', async () => {
    const original = await agent.ask('converse', loopback, PORT);
    const adjustment = { position: 7, offsetBefore: 0, offsetAfter: 3 };
    expect(await agent.ask('adjustSequence', original, 'original', adjustment)).toBe('no-room');
    expect(await agent.ask('findEntry', original)).toMatchObject({
      helper: 'sane',
      sequenceAdjustOriginal: undefined,
    });
  });
});
