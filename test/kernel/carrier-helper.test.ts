import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARRIER_HELPER_CANDIDATES } from '../../src/kernel/inspect/carrier-helper.js';
import { Namespace } from '../lab/namespace.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { Agent } from './agent.js';
import { helped } from './control-connection.js';

let namespace: Namespace;
let agent: Agent;
beforeAll(async () => {
  namespace = await Namespace.create('carrier');
  agent = await Agent.start(namespace);
});
afterAll(async () => {
  await agent.stop();
  await namespace.remove();
});

const connections = async (): Promise<string> => namespace.runChecked(['conntrack', '-L']);

describe.each([4, 6] as const)('the carrier helper, IPv%i', (family) => {
  it('is the first candidate that the kernel has, with evidence', async () => {
    const probes = await agent.ask('probeCarrierHelpers', family);
    expect(probes.map(({ helper }) => helper)).toEqual(
      CARRIER_HELPER_CANDIDATES.slice(0, probes.length).map(({ helper }) => helper),
    );
    expect(probes.map(({ usable }) => usable)).toEqual([...probes.slice(1).map(() => false), true]);
    const used = probes.at(-1)?.helper ?? '';
    expect(probes.at(-1)?.evidence).toBe(
      `the kernel accepts expectations for IPv${family} connections that carry the helper ${used}`,
    );
  });

  it('is not a helper that the kernel does not have', async () => {
    expect(await agent.ask('probeCarrierHelper', 'nothing-such', family)).toEqual({
      helper: 'nothing-such',
      family,
      usable: false,
      evidence: `the kernel has no TCP helper nothing-such for IPv${family}`,
    });
  });

  it('is not a helper of another protocol', async () => {
    expect((await agent.ask('probeCarrierHelper', 'tftp', family)).usable).toBe(false);
  });

  it('is probed without leaving anything behind', async () => {
    await agent.ask('probeCarrierHelper', 'sane', family);
    expect(await connections()).toBe('');
    expect(await namespace.runChecked(['conntrack', '-L', 'expect'])).toBe('');
  });

  it('can be probed while another entry has the first throw-away tuple, which is kept', async () => {
    const pair = family === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2'];
    const [client = '', server = ''] = pair;
    const taken = tupleOf(client, 61000, server, 21);
    await agent.ask('makeEntry', { ...helped(taken), mark: 77 });
    expect(await agent.ask('probeCarrierHelper', 'sane', family)).toMatchObject({ usable: true });
    expect(await agent.ask('findEntry', taken)).toMatchObject({ mark: 77 });
    await agent.ask('removeEntry', taken);
  });
});

it('an IPv4-only helper is no carrier helper for IPv6', async () => {
  expect((await agent.ask('probeCarrierHelper', 'pptp', 4)).usable).toBe(true);
  expect((await agent.ask('probeCarrierHelper', 'pptp', 6)).usable).toBe(false);
});

it('without permission there is no carrier helper, and the evidence says so', async () => {
  const denied = await Agent.start(namespace, { netAdmin: false });
  const probe = await denied.ask('probeCarrierHelper', 'sane', 4);
  expect(probe.usable).toBe(false);
  expect(probe.evidence).toContain('EPERM');
  await denied.stop();
});
