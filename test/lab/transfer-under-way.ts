/**
 * A look at a transfer while it lasts, as an administrator has it with conntrack-tools.
 *
 * @module
 */
import { join } from 'node:path';
import { sessionWith, type Mode } from './clients/client.js';
import { curl } from './clients/curl.js';
import { waitFor } from './condition.js';
import { connectionLines, type ExpectationEvent, type ExpectationWatch } from './conntrack.js';
import type { Family } from './family.js';
import { writePatternFile } from './ftp-root.js';
import type { Laboratory } from './laboratory.js';
import { withOwnFiles } from './own-files.js';
import type { FtpServer } from './servers/server.js';
import type { Topology } from './topology.js';

/** So slow that it outlasts any look at it, and is ended by us. */
const SLOW = ['--limit-rate', '10K'];
const SLOW_FILE_BYTES = 5_000_000;

export interface TransferUnderWay {
  /** `conntrack -E expect`: how the data connection was announced to the kernel. */
  readonly expectation: ExpectationEvent;
  /** `conntrack -L`: the data connection, and the control connection that is its master. */
  readonly dataLine: string;
  readonly controlLine: string;
}

export interface Stage {
  readonly laboratory: Laboratory;
  readonly topology: Topology;
  readonly server: FtpServer;
  readonly watch: ExpectationWatch;
}

/** Starts a slow download, looks, and ends it. There must be no other connection of `family`. */
export async function lookAtTransfer(stage: Stage, family: Family, mode: Mode): Promise<TransferUnderWay> {
  const { laboratory, topology, server, watch } = stage;
  const seen = watch.events.length;
  const name = `slow-${mode}-IPv${family}.bin`;
  writePatternFile(join(server.root, name), SLOW_FILE_BYTES);
  const { command } = curl.invoke(sessionWith(server, family, mode), {
    ...{ kind: 'download', names: [name], into: laboratory.makeFolder('downloads') },
  });
  const transfer = await laboratory.start(topology.client.namespace, withOwnFiles([...command, ...SLOW]));

  const expectation = await watch.awaitExpectation(seen);
  const dataLine = await waitFor('the data connection', async () => {
    const lines = await connectionLines(topology.firewall, family, '--status', 'EXPECTED');
    return lines.find((line) => line.includes('ESTABLISHED'));
  });
  const port = String(server.settings.port);
  const controlLines = await connectionLines(topology.firewall, family, '-p', 'tcp', '--dport', port);
  await transfer.stop();
  const controlLine = controlLines.find((line) => line.includes('ESTABLISHED')) ?? '';
  return { expectation, dataLine, controlLine };
}
