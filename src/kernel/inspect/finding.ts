/**
 * Findings about this host, for `doctor` and for the reasons why `run` cannot start.
 *
 * @module
 */

/** `ok`: as required; `warning`: works, with a drawback; `missing`: nothing works without it. */
export type FindingLevel = 'ok' | 'warning' | 'missing';

/** Stable ids for scripts. */
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
  /** What was observed, as a sentence. */
  readonly evidence: string;
  /** How to fix it; `undefined` if nothing needs to be done. */
  readonly remedy: string | undefined;
}

/** Everything is fine; `evidence` says why. */
export const ok = (id: FindingId, evidence: string): Finding => ({
  id,
  level: 'ok',
  evidence,
  remedy: undefined,
});

/** It works, with the drawback in `evidence`; `remedy` removes the drawback. */
export const warning = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'warning',
  evidence,
  remedy,
});

/** It cannot work; `evidence` says why, and `remedy` how to fix it. */
export const missing = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'missing',
  evidence,
  remedy,
});
