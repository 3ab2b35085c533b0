/**
 * One FTP session as three observers saw it: the client, conntrack-tools and the daemon, if it runs.
 *
 * @module
 */
import { performOnce, spared, type ClientProgram, type Session, type Work } from './clients/client.js';
import { describeEnding, type Completed } from './command.js';
import type { ExpectationEvent, ExpectationWatch } from './conntrack.js';
import type { Daemon, DecisionRecord } from './daemon.js';
import type { Topology } from './topology.js';

export interface Observers {
  readonly topology: Topology;
  readonly watch: ExpectationWatch;
  /** Absent if the kernel's own helper is used instead. */
  readonly daemon: Daemon | undefined;
}

export interface SessionReport {
  readonly completed: Completed;
  /** Expectations made, in order. */
  readonly expectations: readonly ExpectationEvent[];
  readonly decisions: readonly DecisionRecord[];
}

/**
 * Runs one session with `transfers` data connections and reports it. If there are fewer expectations or decisions, throws
 * with the output of all observers. The caller judges whether the client succeeded.
 */
export async function observeSession(
  { topology, watch, daemon }: Observers,
  client: ClientProgram,
  session: Session,
  work: Work,
  transfers: number,
): Promise<SessionReport> {
  const { completed, eventsSeen, decisionsSeen } = await spared(
    client,
    async () => {
      const seen = { eventsSeen: watch.events.length, decisionsSeen: daemon?.decisions.length ?? 0 };
      return { ...seen, completed: await performOnce(topology.client.namespace, client, session, work) };
    },
    (attempt) => attempt.completed,
  );
  try {
    return {
      completed,
      expectations: await watch.awaitExpectations(transfers, eventsSeen),
      decisions: (await daemon?.awaitDecisions(transfers, decisionsSeen)) ?? [],
    };
  } catch (cause) {
    throw new Error(`${describeEnding(completed)}\ndaemon:\n${daemon?.log ?? ''}`, { cause });
  }
}
