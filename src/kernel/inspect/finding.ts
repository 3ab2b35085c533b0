/**
 * A fact about this host, for `doctor` and for the message when `run` cannot start.
 *
 * @module
 */

/** `ok`: as it should be; `warning`: works, with a drawback; `missing`: the daemon cannot work. */
export type FindingLevel = 'ok' | 'warning' | 'missing';

/** Scripts rely on these names. */
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
  /** What to do about it; `undefined` if there is nothing to do. */
  readonly remedy: string | undefined;
}

/** As it should be, with the evidence. */
export const ok = (id: FindingId, evidence: string): Finding => ({
  id,
  level: 'ok',
  evidence,
  remedy: undefined,
});

/** Works, with a drawback and its remedy. */
export const warning = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'warning',
  evidence,
  remedy,
});

/** Cannot work, with the reason and the remedy. */
export const missing = (id: FindingId, evidence: string, remedy: string): Finding => ({
  id,
  level: 'missing',
  evidence,
  remedy,
});
