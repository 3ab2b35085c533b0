/**
 * Recorded netlink exchanges with the kernel that can be played back: request and response bytes, as text that can
 * be read and compared. `scripts/record-netlink.ts` records them.
 *
 * @module
 */
import type { NativeRequestSocket } from '../../src/kernel/binding.js';

/** One system call: all its requests, and all answers of the kernel. */
export interface Exchange {
  readonly request: Buffer;
  readonly response: Buffer;
}

/** A socket to the kernel that records every exchange. */
export class RecordingSocket implements NativeRequestSocket {
  readonly exchanges: Exchange[] = [];
  readonly #real: NativeRequestSocket;

  constructor(real: NativeRequestSocket) {
    this.#real = real;
  }

  get portId(): number {
    return this.#real.portId;
  }

  transact(request: Uint8Array, response: Uint8Array): number {
    const length = this.#real.transact(request, response);
    this.exchanges.push({
      request: Buffer.from(request),
      response: Buffer.from(response.subarray(0, length)),
    });
    return length;
  }

  close(): void {
    this.#real.close();
  }
}

/** A socket that replays one conversation: it expects the recorded requests and returns the recorded answers. */
export class ReplayingSocket implements NativeRequestSocket {
  readonly portId = 1;
  readonly #exchanges: Exchange[];

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = [...exchanges];
  }

  /** Number of exchanges that have not been requested yet. */
  get left(): number {
    return this.#exchanges.length;
  }

  transact(request: Uint8Array, response: Uint8Array): number {
    const exchange = this.#exchanges.shift();
    const asked = Buffer.from(request).toString('hex');
    if (exchange?.request.toString('hex') !== asked) {
      throw new Error(`asked ${asked}, recorded ${exchange?.request.toString('hex') ?? 'nothing more'}`);
    }
    response.set(exchange.response);
    return exchange.response.length;
  }

  close(): void {
    // There is nothing to close.
  }
}

/** `> ` marks sent bytes, `< ` received bytes; 32 bytes per line. */
export function formatExchanges(title: string, exchanges: readonly Exchange[]): string {
  const lines = exchanges.flatMap(({ request, response }) => [
    ...hexLines('>', request),
    ...hexLines('<', response),
    '',
  ]);
  return [`# ${title}`, ...lines].join('\n');
}

export function parseExchanges(text: string): Exchange[] {
  return text.split('\n\n').flatMap((paragraph) => {
    const exchange = { request: hexOf('>', paragraph), response: hexOf('<', paragraph) };
    return exchange.request.length + exchange.response.length === 0 ? [] : [exchange];
  });
}

function hexLines(mark: string, bytes: Buffer): string[] {
  return (bytes.toString('hex').match(/.{1,64}/g) ?? []).map((digits) => `${mark} ${digits}`);
}

function hexOf(mark: string, paragraph: string): Buffer {
  const lines = paragraph.split('\n').filter((line) => line.startsWith(`${mark} `));
  return Buffer.from(lines.map((line) => line.slice(2)).join(''), 'hex');
}
