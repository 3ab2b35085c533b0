/**
 * Which of several workers has read which connection, as the log tells.
 *
 * @module
 */
import type { DecisionRecord } from '../lab/daemon.js';

/** As the decisions name a connection: by its client's end. */
const clientOf = ({ client, clientPort }: DecisionRecord): string => `${client} ${clientPort}`;

/** The workers that have decided for each connection. */
export function workersByClient(decisions: readonly DecisionRecord[]): Map<string, Set<number | undefined>> {
  const workers = new Map<string, Set<number | undefined>>();
  for (const decision of decisions) {
    const client = clientOf(decision);
    workers.set(client, (workers.get(client) ?? new Set()).add(decision.worker));
  }
  return workers;
}
