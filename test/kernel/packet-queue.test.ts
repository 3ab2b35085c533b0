import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restoreRules } from '../lab/firewall.js';
import { Namespace } from '../lab/namespace.js';
import { Agent } from './agent.js';
import { DATAGRAM_PORT, GIVEN_MARK } from './queue-under-test.js';

const QUEUE = 41;
const FAMILIES = [
  { family: 4, host: '127.0.0.1', protocol: 0x0800 },
  { family: 6, host: '::1', protocol: 0x86dd },
];
const MARK_BEFORE = 0xf0000001;
/** Datagrams enter the queue with one mark; those that leave with `GIVEN_MARK` are dropped afterwards. */
const RULES = `*mangle
-A OUTPUT -p udp --dport ${DATAGRAM_PORT} -j MARK --set-mark ${MARK_BEFORE}
-A OUTPUT -p udp --dport ${DATAGRAM_PORT} -j NFQUEUE --queue-num ${QUEUE}
-A POSTROUTING -p udp -m mark --mark ${GIVEN_MARK} -j DROP
COMMIT
`;
const HOOK_OUTPUT = 3;

let namespace: Namespace;
let agent: Agent;
beforeAll(async () => {
  namespace = await Namespace.create('queue');
  await restoreRules(namespace, RULES);
  agent = await Agent.start(namespace);
});
afterAll(async () => {
  await agent.stop();
  await namespace.remove();
});

describe('a queue', () => {
  it('is bound with all requested settings', async () => {
    expect(await agent.ask('bindQueue', QUEUE)).toEqual([]);
  });

  it.each(FAMILIES)('applies the verdict set for each IPv$family packet', async ({ host }) => {
    const texts = ['swap it', 'drop me', 'plain', 'mark me', 'last'];
    expect(await agent.ask('sendDatagrams', host, texts)).toEqual(['apsw it', 'plain', 'last']);
  });

  it.each(FAMILIES)('describes an IPv$family packet', async ({ host, protocol }) => {
    const before = (await agent.ask('queuedPackets')).length;
    await agent.ask('sendDatagrams', host, ['first', 'second']);
    const packets = (await agent.ask('queuedPackets')).slice(before);
    expect(packets).toMatchObject([
      { text: 'first', hook: HOOK_OUTPUT, protocol, mark: MARK_BEFORE, outInterface: 1, cut: false },
      { text: 'second' },
    ]);
    expect((packets[1]?.packetId ?? 0) - (packets[0]?.packetId ?? 0)).toBe(1);
  });

  it('has an owner that can be found', async () => {
    const owner = await agent.ask('queueOwner', QUEUE);
    expect(owner).toMatchObject({ queue: QUEUE, pid: await agent.ask('pid') });
    expect(owner?.command).toMatch(/./);
    expect(owner?.portId).not.toBe(await agent.ask('portId'));
    expect(await agent.ask('queueOwner', QUEUE + 1)).toBeUndefined();
  });

  it('that is taken is refused with the name of its owner', async () => {
    const other = await Agent.start(namespace);
    const pid = await agent.ask('pid');
    await expect(other.ask('bindQueue', QUEUE)).rejects.toMatchObject({
      code: 'ERR_MISSING',
      exitCode: 3,
      message: expect.stringMatching(
        new RegExp(`^queue ${QUEUE} is taken by process ${pid} \\(.+\\)$`),
      ) as unknown,
      remedy: 'stop that process, or choose another queue with --queue, also in the ruleset',
    });
    await other.stop();
  });

  it('is denied to a process without permission, free or taken', async () => {
    const denied = await Agent.start(namespace, { netAdmin: false });
    for (const queue of [QUEUE, QUEUE + 1]) {
      await expect(denied.ask('bindQueue', queue)).rejects.toMatchObject({
        code: 'ERR_NOT_PERMITTED',
        exitCode: 4,
        message: `not permitted to bind queue ${queue}: CAP_NET_ADMIN is missing`,
      });
    }
    await denied.stop();
  });

  it('is free again after it is closed or its process has died', async () => {
    await agent.ask('closeQueue');
    await agent.ask('closeQueue');
    expect(await agent.ask('queueOwner', QUEUE)).toBeUndefined();
    const other = await Agent.start(namespace);
    await other.ask('bindQueue', QUEUE);
    await other.stop();
    expect(await agent.ask('queueOwner', QUEUE)).toBeUndefined();
    await agent.ask('bindQueue', QUEUE);
  });

  it('marks a partly copied packet as cut, and accepts all of it', async () => {
    await agent.ask('closeQueue');
    await agent.ask('bindQueue', QUEUE, 32);
    expect(await agent.ask('sendDatagrams', '127.0.0.1', ['plain text'])).toEqual(['plain text']);
    expect((await agent.ask('queuedPackets')).at(-1)).toMatchObject({ text: 'plai', cut: true });
  });
});
