import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConntrackEvent } from '../../src/kernel/conntrack-events.js';
import { sameTuple, type Tuple } from '../../src/wire/tuple.js';
import { waitFor } from '../lab/condition.js';
import { Namespace } from '../lab/namespace.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { Agent } from './agent.js';
import { helped, pinholeFor } from './control-connection.js';

const FAMILIES = [
  { family: 4, client: '10.1.0.2', server: '10.2.0.2' },
  { family: 6, client: '2001:db8:1::2', server: '2001:db8:2::2' },
];

/** Large enough for a few events. */
const SMALL_BUFFER_BYTES = 4096;
const MANY = 500;

describe.each(FAMILIES)('conntrack events, IPv$family', ({ client, server }) => {
  let namespace: Namespace;
  let agent: Agent;
  let original: Tuple;
  beforeAll(async () => {
    namespace = await Namespace.create('events');
    agent = await Agent.start(namespace);
    original = tupleOf(client, 4001, server, 21);
  });
  afterAll(async () => {
    await agent.stop();
    await namespace.remove();
  });

  const eventsOfKind = async (kind: ConntrackEvent['kind'], count: number): Promise<ConntrackEvent[]> =>
    waitFor(`${count} events of kind ${kind}`, async () => {
      const events = (await agent.ask('events')).filter((event) => event.kind === kind);
      return events.length >= count && events;
    });

  it('report created and ended expectations, and ended connections', async () => {
    await agent.ask('subscribe', true);
    await agent.ask('makeEntry', { ...helped(original), mark: 5 });
    const { id } = (await agent.ask('findEntry', original)) ?? {};
    const pinhole = pinholeFor(original, 40001);
    await agent.ask('openPinhole', pinhole);

    const [made] = await eventsOfKind('expectation-made', 1);
    expect(made).toMatchObject({ expectation: { master: original, tuple: pinhole.tuple, helper: 'sane' } });
    await agent.ask('closePinhole', pinhole);
    const [ended] = await eventsOfKind('expectation-ended', 1);
    expect(ended).toMatchObject({ expectation: { master: original, tuple: pinhole.tuple } });
    await agent.ask('removeEntry', original);
    const [gone] = await eventsOfKind('connection-ended', 1);
    expect(gone).toMatchObject({
      connection: { protocol: 6, original, id, timeout: expect.any(Number) as unknown },
    });
  });

  it('report that expectations end with their master', async () => {
    await agent.ask('makeEntry', helped(original));
    await agent.ask('openPinhole', pinholeFor(original, 40002));
    await agent.ask('removeEntry', original);
    const [, second] = await eventsOfKind('expectation-ended', 2);
    expect(second).toMatchObject({ expectation: { tuple: { destinationPort: 40002 } } });
  });

  it('stop when the subscription is closed', async () => {
    await agent.ask('unsubscribe');
    await agent.ask('unsubscribe');
    const before = await agent.ask('events');
    await agent.ask('makeEntry', helped(original));
    await agent.ask('removeEntry', original);
    expect(await agent.ask('events')).toEqual(before);
  });

  it('cover only connections to the requested ports', async () => {
    const other = await Agent.start(namespace);
    await other.ask('subscribe', true, [2121]);
    const ignored = { ...original, destinationPort: 2120 };
    const reported = { ...original, destinationPort: 2121 };
    for (const tuple of [ignored, reported]) {
      await other.ask('makeEntry', helped(tuple));
      await other.ask('removeEntry', tuple);
    }
    const events = await waitFor('an event', async () => {
      const seen = await other.ask('events');
      return seen.length > 0 && seen;
    });
    expect(events).toMatchObject([{ kind: 'connection-ended', connection: { original: reported } }]);
    await other.stop();
  });

  it('that do not fit the receive buffer are counted as lost, and later ones arrive', async () => {
    const other = await Agent.start(namespace);
    await other.ask('subscribe', false, undefined, SMALL_BUFFER_BYTES);
    const many = Array.from({ length: MANY }, (_, count) => ({ ...original, sourcePort: 10000 + count }));
    await other.ask('makeAndRemove', many);
    await waitFor('an overrun', async () => (await other.ask('overruns')) !== 0);
    expect((await other.ask('events')).length).toBeLessThan(MANY);

    const last = { ...original, sourcePort: 9999 };
    await other.ask('makeAndRemove', [last]);
    await waitFor('the last event', async () => {
      const event = (await other.ask('events')).at(-1);
      return event?.kind === 'connection-ended' && sameTuple(event.connection.original, last);
    });
    await other.stop();
  });

  it('are denied to a process without permission', async () => {
    const denied = await Agent.start(namespace, { netAdmin: false });
    await expect(denied.ask('subscribe', true)).rejects.toMatchObject({
      code: 'ERR_SYSTEM_CALL',
      errnoName: 'EPERM',
    });
    await denied.stop();
  });
});
