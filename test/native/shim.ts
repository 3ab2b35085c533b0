/**
 * Builds `netlink-shim.c` once per test file, and reads the datagrams that it logged.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHostUint16, readHostUint32 } from '../../src/wire/host-order.js';
import { runChecked } from '../lab/command.js';

const SOURCE = fileURLToPath(new URL('netlink-shim.c', import.meta.url));

/** Its environment variables without `SHIM_`; the source describes them. */
export type ShimSetting = 'BEFORE_ACK' | 'CONFIG_FLAGS' | 'RECEIVE_BYTES' | 'RECEIVE_ERRNO' | 'VERDICT_ERRNO';

export class Shim {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<Shim> {
    const shim = new Shim(mkdtempSync(join(tmpdir(), 'netlink-shim-')));
    await runChecked(['cc', '-shared', '-fPIC', '-o', shim.#path('shim.so'), SOURCE, '-ldl']);
    return shim;
  }

  /** The environment that preloads it before the C library, with a new log. */
  environment(settings: Partial<Record<ShimSetting, number | string>> = {}): Record<string, string> {
    writeFileSync(this.#path('log'), '');
    const variables = Object.entries(settings).map(([name, value]) => [`SHIM_${name}`, String(value)]);
    return {
      LD_PRELOAD: this.#path('shim.so'),
      SHIM_SEND_LOG: this.#path('log'),
      ...(Object.fromEntries(variables) as Record<string, string>),
    };
  }

  /** The netlink datagrams sent since the last `environment`. */
  sent(): readonly Buffer[] {
    const lines = readFileSync(this.#path('log'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'hex'));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

const TYPES: Readonly<Record<number, string>> = { 0x301: 'verdict', 0x302: 'config', 0x303: 'batch' };
const NETLINK_HEADER = 16;
const NETFILTER_HEADER = 4;
const ATTRIBUTE_HEADER = 4;
const align = (length: number): number => (length + 3) & ~3;

/** A short description of a datagram's messages: `verdict accept 3 mark`, `batch accept 5`, `config`. */
export function summarise(datagram: Buffer): readonly string[] {
  const messages: string[] = [];
  let at = 0;
  while (at < datagram.length) {
    const length = readHostUint32(datagram, at);
    messages.push(summariseMessage(datagram.subarray(at, at + length)));
    at += align(length);
  }
  return messages;
}

function summariseMessage(message: Buffer): string {
  const words = [TYPES[readHostUint16(message, 4)] ?? 'unknown'];
  let at = NETLINK_HEADER + NETFILTER_HEADER;
  while (words[0] !== 'config' && at < message.length) {
    const type = readHostUint16(message, at + 2);
    if (type === 2) {
      const verdict = message.readUInt32BE(at + ATTRIBUTE_HEADER);
      words.push(verdict === 1 ? 'accept' : 'drop', String(message.readUInt32BE(at + ATTRIBUTE_HEADER + 4)));
    } else {
      words.push(type === 3 ? 'mark' : 'payload');
    }
    at += align(readHostUint16(message, at));
  }
  return words.join(' ');
}
