import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding, FindingId } from '../../src/kernel/inspect/finding.js';
import { Namespace } from '../lab/namespace.js';
import { Agent } from './agent.js';

const QUEUE = 43;
let namespace: Namespace;
let agent: Agent;
beforeAll(async () => {
  namespace = await Namespace.create('doctor');
  agent = await Agent.start(namespace);
});
afterAll(async () => {
  await agent.stop();
  await namespace.remove();
});

const of = (findings: readonly Finding[], id: FindingId): Finding | undefined =>
  findings.find((finding) => finding.id === id);

describe('an inspection', () => {
  it('finds every requirement met, with evidence and no remedy', async () => {
    const findings = await agent.ask('inspect', { queue: QUEUE });
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.map(({ id }) => id)).toEqual([
      'net-admin',
      'netlink',
      'nfqueue',
      'nfqueue-fail-open',
      'nfqueue-conntrack',
      'queue',
      'conntrack',
      'expectation',
      'connmark',
      'anchor-ipv4',
      'anchor-ipv6',
      'sysctl-events',
      'sysctl-expect-max',
      'sysctl-tcp-loose',
      'sysctl-tcp-be-liberal',
    ]);
    for (const { evidence, remedy } of findings) {
      expect(evidence).toMatch(/\w+ \w+/);
      expect(remedy).toBeUndefined();
    }
  });

  it('leaves nothing behind', async () => {
    expect(await namespace.runChecked(['conntrack', '-L'])).toBe('');
    expect(await namespace.runChecked(['cat', '/proc/net/netfilter/nfnetlink_queue'])).toBe('');
  });

  it('agrees with the queue probe', async () => {
    const probe = await agent.ask('probeQueue');
    expect(probe).toMatchObject({ queue: 65535, bind: 0, failOpen: 0 });
    const glue = of(await agent.ask('inspect', { queue: QUEUE }), 'nfqueue-conntrack');
    expect(glue?.evidence).toContain(probe.conntrack === 0 ? 'can include' : 'do not include');
  });

  it('skips a queue that is in use when it probes', async () => {
    const other = await Agent.start(namespace);
    await other.ask('bindQueue', 65535);
    expect(await agent.ask('probeQueue')).toMatchObject({ queue: 65534, bind: 0 });
    await other.stop();
  });

  it('names the process that holds the queue', async () => {
    const other = await Agent.start(namespace);
    await other.ask('bindQueue', QUEUE);
    const finding = of(await agent.ask('inspect', { queue: QUEUE }), 'queue');
    expect(finding?.level).toBe('warning');
    expect(finding?.evidence).toContain(`process ${await other.ask('pid')} (`);
    expect(finding?.remedy).toContain('--queue');
    await other.stop();
  });

  it('checks the requested carrier helper', async () => {
    const findings = await agent.ask('inspect', { queue: QUEUE, anchor: 'pptp' });
    expect(of(findings, 'anchor-ipv4')?.level).toBe('ok');
    expect(of(findings, 'anchor-ipv6')).toMatchObject({
      level: 'missing',
      evidence: 'the kernel has no TCP helper pptp for IPv6',
    });
  });

  it('reads the sysctls of its own namespace', async () => {
    await namespace.setParameters({
      'net.netfilter.nf_conntrack_events': '0',
      'net.netfilter.nf_conntrack_tcp_loose': '0',
      'net.netfilter.nf_conntrack_tcp_be_liberal': '1',
    });
    const findings = await agent.ask('inspect', { queue: QUEUE });
    expect(of(findings, 'sysctl-events')).toMatchObject({
      level: 'warning',
      remedy: '`sysctl -w net.netfilter.nf_conntrack_events=2`',
    });
    expect(of(findings, 'sysctl-tcp-loose')?.level).toBe('ok');
    expect(of(findings, 'sysctl-tcp-be-liberal')?.level).toBe('warning');
  });

  it('without permission reports exactly that and nothing it cannot know', async () => {
    const denied = await Agent.start(namespace, { netAdmin: false });
    const findings = await denied.ask('inspect', { queue: QUEUE });
    const missing = findings.filter(({ level }) => level === 'missing');
    expect(missing.map(({ id }) => id)).toEqual(['net-admin', 'nfqueue', 'conntrack', 'expectation']);
    for (const { remedy } of missing) expect(remedy).toContain('CAP_NET_ADMIN');
    expect(of(findings, 'queue')).toBeUndefined();
    expect(of(findings, 'anchor-ipv4')).toBeUndefined();
    await denied.stop();
  });
});
