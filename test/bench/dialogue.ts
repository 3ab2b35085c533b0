/**
 * What a client and a server say to each other in the benchmark, as TCP packets of one connection: the numbers go on from packet to
 * packet; whoever sends them for several connections gives each another client.
 *
 * @module
 */
import { TCP_FLAGS } from '../../src/wire/tcp.js';
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
