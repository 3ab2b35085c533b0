/**
 * Findings about the sysctls of connection tracking that matter here
 * (Documentation/networking/nf_conntrack-sysctl.rst).
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, warning, type Finding, type FindingId } from './finding.js';

/** With fewer, the pending transfers of a busy server may fill the table: each control connection may have one. */
const EXPECT_MAX_LOW = 256;

interface Parameter {
  readonly id: FindingId;
  readonly name: string;
  readonly judge: (value: number) => Judgement;
}
type Judgement = { readonly fine: string } | { readonly drawback: string; readonly set: number };

const PARAMETERS: readonly Parameter[] = [
  {
    id: 'sysctl-events',
    name: 'nf_conntrack_events',
    judge: (value) =>
      value === 0
        ? { drawback: 'the end of a connection is noticed only when it goes idle', set: 2 }
        : { fine: 'the kernel reports the end of connections' },
  },
  {
    id: 'sysctl-expect-max',
    name: 'nf_conntrack_expect_max',
    judge: (value) =>
      value < EXPECT_MAX_LOW
        ? { drawback: 'only a few data connections can be pending at the same time', set: EXPECT_MAX_LOW }
        : { fine: 'this many data connections can be pending at the same time' },
  },
  {
    id: 'sysctl-tcp-loose',
    name: 'nf_conntrack_tcp_loose',
    judge: (value) =>
      value === 0
        ? { fine: 'connections that began before tracking are not picked up' }
        : { fine: 'connections that began before tracking are picked up mid-stream' },
  },
  {
    id: 'sysctl-tcp-be-liberal',
    name: 'nf_conntrack_tcp_be_liberal',
    judge: (value) =>
      value === 0
        ? { fine: 'segments outside the TCP window are invalid' }
        : { drawback: 'segments outside the TCP window, even forged ones, count as established', set: 0 },
  },
];

/** Skips parameters that this kernel or network namespace does not have. */
export function inspectSysctls(procRoot = '/proc'): readonly Finding[] {
  return PARAMETERS.flatMap(({ id, name, judge }) => {
    const value = readParameter(procRoot, name);
    if (value === undefined) return [];
    const judgement = judge(value);
    const setting = `net.netfilter.${name} is ${value}`;
    if ('fine' in judgement) return [ok(id, `${setting}: ${judgement.fine}`)];
    return [
      warning(
        id,
        `${setting}: ${judgement.drawback}`,
        `\`sysctl -w net.netfilter.${name}=${judgement.set}\``,
      ),
    ];
  });
}

function readParameter(procRoot: string, name: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(procRoot, 'sys/net/netfilter', name), 'utf8'), 10);
  } catch {
    return undefined;
  }
}
