/**
 * What an inspection found out about this host, for `doctor` and for the reasons why `run` cannot start.
 *
 * @module
 */

/** `ok`: as it should be; `warning`: works, with a drawback; `missing`: nothing can work without it. */
export type FindingLevel = 'ok' | 'warning' | 'missing';

/** Scripts know findings by these. */
export type FindingId =
  | 'net-admin'
  | 'netlink'
  | 'nfqueue'
  | 'nfqueue-fail-open'
  | 'nfqueue-conntrack'
  | 'queue'
  | 'conntrack'
  | 'expectation'
  | 'connmark'
  | 'anchor-ipv4'
  | 'anchor-ipv6'
  | 'sysctl-events'
  | 'sysctl-expect-max'
  | 'sysctl-tcp-loose'
  | 'sysctl-tcp-be-liberal';

/** One fact about the host. */
export interface Finding {
  readonly id: FindingId;
  readonly level: FindingLevel;
  /** What was seen, as a sentence. */
  readonly evidence: string;
  /** What to do about it; `undefined` where nothing needs doing. */
  readonly remedy: string | undefined;
}

/** All is well, and why that is known. */
export const ok = (id: FindingId, evidence: string): Finding => ({
  id,
  level: 'ok',
  evidence,
  remedy: undefined,
});

/** It works; this is the drawback, and how to be rid of it. */
export const warning = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'warning',
  evidence,
  remedy,
});

/** It cannot work; this is why, and what to do. */
export const missing = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'missing',
  evidence,
  remedy,
});
