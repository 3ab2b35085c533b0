/**
 * Exchanges with the kernel's netlink, recorded once and played back: what was sent and what came back, byte for
 * byte, as text that can be read and compared. `scripts/record-netlink.ts` makes them.
 *
 * @module
 */
import type { NativeRequestSocket } from '../../src/kernel/binding.js';

/** One system call: all requests of it, and all that the kernel answered to them. */
export interface Exchange {
  readonly request: Buffer;
  readonly response: Buffer;
}

/** A socket to the kernel that keeps a copy of everything. */
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

/** A socket that knows one conversation: it wants to hear the same requests, and gives the same answers. */
export class ReplayingSocket implements NativeRequestSocket {
  readonly portId = 1;
  readonly #exchanges: Exchange[];

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = [...exchanges];
  }

  /** What was not asked for yet. */
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

/** `> ` before what was sent, `< ` before what came back, 32 bytes a line. */
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
