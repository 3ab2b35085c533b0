/**
 * The TCP segments that an interface sends and receives, written to a file by `tcpdump`.
 *
 * @module
 */
import { join } from 'node:path';
import type { Laboratory } from './laboratory.js';
import type { RunningProcess } from './running-process.js';
import type { Attachment } from './topology.js';

/** Each frame is in the file as soon as it was seen. The user is named so that tcpdump stays one that may write here. */
const OPTIONS = ['--immediate-mode', '-U', '-Z', 'root'] as const;

export class Recording {
  /** The file, in pcap. */
  readonly path: string;
  readonly #process: RunningProcess;

  private constructor(path: string, process: RunningProcess) {
    this.path = path;
    this.#process = process;
  }

  /** It records when this resolves. */
  static async start(laboratory: Laboratory, { namespace, device }: Attachment): Promise<Recording> {
    const path = join(laboratory.makeFolder('recording'), `${device}.pcap`);
    const command = ['tcpdump', ...OPTIONS, '-i', device, '-w', path, 'tcp'] as const;
    const running = await laboratory.start(namespace, command);
    await running.waitUntil('recording', () => running.stderr.some((line) => line.includes('listening on')));
    return new Recording(path, running);
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGINT');
  }
}
