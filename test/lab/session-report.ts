/**
 * One FTP session as three observers saw it: the client, conntrack-tools and, where it runs, the daemon.
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
  /** Absent where the kernel's own helper stands in its place. */
  readonly daemon: Daemon | undefined;
}

export interface SessionReport {
  readonly completed: Completed;
  /** Expectations made, in order. */
  readonly expectations: readonly ExpectationEvent[];
  readonly decisions: readonly DecisionRecord[];
}

/**
 * Runs one session that takes `transfers` data connections and reports it. Throws, with what each of them
 * said, where fewer expectations or decisions than that turn up. Whether the client succeeded is for the
 * caller to judge.
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
