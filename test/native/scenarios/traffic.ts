/**
 * UDP datagrams over the namespace's loopback, and their form in a queue.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { waitFor } from '../../lab/condition.js';

/** The port that the rules of the tests queue. */
export const QUEUED_PORT = 4000;

export class Receiver {
  readonly texts: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram) => this.texts.push(datagram.toString('latin1')));
  }

  static async open(family: 4 | 6 = 4): Promise<Receiver> {
    const socket = createSocket({ type: `udp${family}`, recvBufferSize: 8 << 20 });
    socket.bind(QUEUED_PORT, family === 4 ? '0.0.0.0' : '::');
    await once(socket, 'listening');
    return new Receiver(socket);
  }

  /** Waits until `count` datagrams have arrived. */
  async received(count: number): Promise<readonly string[]> {
    await waitFor(
      () => `${count} datagrams, of which ${this.texts.length} have arrived`,
      () => this.texts.length >= count,
    );
    return this.texts;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Bash arguments that send each text as a separate datagram. */
const sending = (texts: readonly string[], address: string): string[] => {
  const script = `exec 3>/dev/udp/${address}/${QUEUED_PORT}; for text; do printf %s "$text" >&3; done`;
  return ['-c', script, 'bash', ...texts];
};

/**
 * Sends the texts before it returns, without a turn of the event loop. At most about 200 of them: packets that wait
 * in a queue count against their socket's send buffer, and nobody empties the queue meanwhile.
 */
export function sendAtOnce(texts: readonly string[], address = '127.0.0.1'): void {
  const sender = spawnSync('bash', sending(texts, address), { encoding: 'utf8', timeout: 10_000 });
  if (sender.status !== 0) throw new Error(`bash could not send: ${sender.stderr}`);
}

/** Sends the texts while the event loop turns. */
export async function send(texts: readonly string[], address = '127.0.0.1'): Promise<void> {
  const sender = spawn('bash', sending(texts, address), { stdio: 'inherit' });
  const [status] = (await once(sender, 'close')) as [number | null];
  if (status !== 0) throw new Error('bash could not send');
}

/** `prefix0`, `prefix1` … */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);
