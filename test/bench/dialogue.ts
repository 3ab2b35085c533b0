/**
 * The packets that the helper reads in the benchmark: TCP packets of a dialogue, repeated for many connections
 * with continuing sequence numbers, and the packets of the captured sessions.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CaptureReader } from '../../src/capture/capture.js';
import { findIpPacket } from '../../src/capture/link-layer.js';
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { IpView } from '../../src/wire/ip.js';
import { readTcpPacket } from '../../src/wire/tcp-packet.js';
import {
  TCP_FLAGS,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSourcePort,
} from '../../src/wire/tcp.js';
import { tcpPacket } from '../wire/packets.js';

export type Speaker = 'client' | 'server';

export interface Said {
  readonly from: Speaker;
  readonly packet: Buffer;
  /** Bytes of payload. */
  readonly payload: number;
}

export const SERVER_PORT = 21;
const CLIENT_ENDPOINT = '10.0.0.1:40000';
const SERVER_ENDPOINT = `192.0.2.1:${SERVER_PORT}`;
// Offsets in a packet of `Dialogue`, which has no options.
const CLIENT_ADDRESS_AT = { client: 12, server: 16 } as const;
const CLIENT_PORT_AT = { client: 20, server: 22 } as const;
export const SEQUENCE_AT = 24;
export const ACKNOWLEDGMENT_AT = 28;
/** 10.0.0.1, and the addresses after it. */
const FIRST_CLIENT = 0x0a00_0001;
const FIRST_PORT = 10_000;

/** Has the packet be of client `number`, below 2^24. The checksums are not put right: nobody reads them here. */
export function setClient({ from, packet }: Said, number: number): void {
  packet.writeUInt32BE(FIRST_CLIENT + number, CLIENT_ADDRESS_AT[from]);
}

/** Has it be of connection `number`, below 50,000, of the one client. */
export function setClientPort({ from, packet }: Said, number: number): void {
  packet.writeUInt16BE(FIRST_PORT + number, CLIENT_PORT_AT[from]);
}

export class Dialogue {
  #clientNext = 1;
  #serverNext = 1;

  /** The server's SYN-ACK, which tells the numbers of both directions. */
  open(): Said {
    return this.#packet('server', '', TCP_FLAGS.syn | TCP_FLAGS.ack, 0);
  }

  say(from: Speaker, payload: string): Said {
    const sequence = from === 'server' ? this.#serverNext : this.#clientNext;
    const said = this.#packet(from, payload, TCP_FLAGS.ack | TCP_FLAGS.psh, sequence);
    if (from === 'server') this.#serverNext += payload.length;
    else this.#clientNext += payload.length;
    return said;
  }

  /** From the greeting to where commands can be sent. */
  login(): Said[] {
    return [
      this.open(),
      this.say('server', '220 ready\r\n'),
      this.say('client', 'USER anonymous\r\n'),
      this.say('server', '331 password\r\n'),
      this.say('client', 'PASS x\r\n'),
      this.say('server', '230 logged in\r\n'),
    ];
  }

  #packet(from: Speaker, payload: string, flags: number, sequence: number): Said {
    const [source, destination] =
      from === 'server' ? [SERVER_ENDPOINT, CLIENT_ENDPOINT] : [CLIENT_ENDPOINT, SERVER_ENDPOINT];
    const acknowledgment = from === 'server' ? this.#clientNext : this.#serverNext;
    const packet = tcpPacket({ source, destination, sequence, acknowledgment, flags, payload });
    return { from, packet, payload: payload.length };
  }
}

/** Seconds; no connection falls idle. */
const NOW = 1;

export class Lap {
  readonly bytes: Buffer;
  /** Packet n is `[bounds[n], bounds[n + 1])`. */
  readonly bounds: Uint32Array;
  /** One for all packets, as the daemon has it. */
  readonly #view: { readonly bytes: Buffer; start: number; end: number; number: number };

  constructor(packets: readonly Buffer[]) {
    this.bytes = Buffer.concat(packets);
    this.bounds = new Uint32Array(packets.length + 1);
    this.#view = { bytes: this.bytes, start: 0, end: 0, number: 0 };
    let end = 0;
    for (const [number, packet] of packets.entries()) {
      end += packet.length;
      this.bounds[number + 1] = end;
    }
  }

  get packets(): number {
    return this.bounds.length - 1;
  }

  /** Gives packets `[from, to)` to the helper, each as the daemon does. */
  play(helper: FtpHelper, from: number, to: number): void {
    const view = this.#view;
    for (let number = from; number < to; number++) {
      view.start = this.bounds[number] ?? 0;
      view.end = this.bounds[number + 1] ?? 0;
      view.number = number;
      helper.onPacket(view, NOW);
    }
  }
}

/** A lap of a dialogue that many connections have in turn. `next` has each go on where it stopped. */
export class DialogueLap extends Lap {
  readonly #fromClient: readonly boolean[];
  /** Bytes that each of the two says in a lap. */
  readonly #clientBytes: number;
  readonly #serverBytes: number;

  private constructor(said: readonly Said[], connections: number) {
    const copies = said.flatMap((one) =>
      Array.from({ length: connections }, (_, number) => {
        setClientPort(one, number);
        return { ...one, packet: Buffer.from(one.packet) };
      }),
    );
    super(copies.map(({ packet }) => packet));
    this.#fromClient = copies.map(({ from }) => from === 'client');
    this.#clientBytes = spokenBy('client', said);
    this.#serverBytes = spokenBy('server', said);
  }

  /** Has each connection log in, and lays out what `speak` has it say in a lap. */
  static begin(helper: FtpHelper, connections: number, speak: (dialogue: Dialogue) => Said[]): DialogueLap {
    const dialogue = new Dialogue();
    const login = new DialogueLap(dialogue.login(), connections);
    login.play(helper, 0, login.packets);
    return new DialogueLap(speak(dialogue), connections);
  }

  /** Moves the numbers of all packets on by what was said in a lap. */
  next(): void {
    for (let number = 0; number < this.packets; number++) {
      const start = this.bounds[number] ?? 0;
      const [own, other] =
        this.#fromClient[number] === true
          ? [this.#clientBytes, this.#serverBytes]
          : [this.#serverBytes, this.#clientBytes];
      advance(this.bytes, start + SEQUENCE_AT, own);
      advance(this.bytes, start + ACKNOWLEDGMENT_AT, other);
    }
  }
}

const spokenBy = (speaker: Said['from'], said: readonly Said[]): number =>
  said.filter(({ from }) => from === speaker).reduce((sum, { payload }) => sum + payload, 0);

function advance(bytes: Buffer, at: number, by: number): void {
  bytes.writeUInt32BE((bytes.readUInt32BE(at) + by) >>> 0, at);
}

const SESSIONS = path.resolve(import.meta.dirname, '../fixtures/sessions');

export function capturedPackets(): Buffer[] {
  const files = readdirSync(SESSIONS).filter((name) => name.endsWith('.pcap'));
  return files.sort().flatMap((name) => packetsOf(readFileSync(path.join(SESSIONS, name))));
}

function packetsOf(capture: Buffer): Buffer[] {
  const ip = new IpView();
  return [...new CaptureReader().feed(capture)].flatMap((item) => {
    if (item.kind !== 'frame') return [];
    const start = findIpPacket(item.linkType, item.bytes, item.start, item.end);
    if (typeof start !== 'number' || !readTcpPacket(ip, item.bytes, start, item.end)) return [];
    return isQueued(item.bytes, ip) ? [Buffer.from(item.bytes.subarray(start, ip.end))] : [];
  });
}

function isQueued(bytes: Buffer, { payloadAt: at, end }: IpView): boolean {
  if (tcpSourcePort(bytes, at) !== SERVER_PORT && tcpDestinationPort(bytes, at) !== SERVER_PORT) return false;
  return (tcpFlags(bytes, at) & TCP_FLAGS.syn) !== 0 || at + tcpHeaderLength(bytes, at) < end;
}
