/**
 * Packets of any number of control connections, made in one buffer, one after the other: the client of connection n is
 * 10.x.y.z, and all of them are at the same place of the same dialogue.
 *
 * @module
 */
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { tcpPacket } from '../../test/wire/packets.js';

const SOURCE_AT = 12;
const DESTINATION_AT = 16;
const CLIENT_BASE = 0x0a00_0000;
const SERVER = 'server';
const CLIENT = 'client';

interface Said {
  readonly from: typeof SERVER | typeof CLIENT;
  readonly packet: Buffer;
}

/** As the numbers of every connection are the same, each line is one packet, of which the client's address is set anew. */
class Dialogue {
  #clientNext = 1;
  #serverNext = 1;

  open(): Said {
    return this.#packet(SERVER, '', TCP_FLAGS.syn | TCP_FLAGS.ack, 0);
  }

  say(from: Said['from'], payload: string): Said {
    const said = this.#packet(
      from,
      payload,
      TCP_FLAGS.ack | TCP_FLAGS.psh,
      from === SERVER ? this.#serverNext : this.#clientNext,
    );
    if (from === SERVER) this.#serverNext += payload.length;
    else this.#clientNext += payload.length;
    return said;
  }

  #packet(from: Said['from'], payload: string, flags: number, sequence: number): Said {
    const [source, destination] =
      from === SERVER ? ['192.0.2.1:21', '10.0.0.0:40000'] : ['10.0.0.0:40000', '192.0.2.1:21'];
    const acknowledgment = from === SERVER ? this.#clientNext : this.#serverNext;
    return { from, packet: tcpPacket({ source, destination, sequence, acknowledgment, flags, payload }) };
  }
}

export class ControlPackets {
  readonly #helper: FtpHelper;
  readonly #dialogue = new Dialogue();
  readonly #login: readonly Said[];
  /** The exchanges so far, and the one that each connection is at. */
  readonly #exchanges: (readonly Said[])[] = [];
  readonly #at = new Map<number, number>();
  #announcement: readonly Said[] | undefined;

  constructor(helper: FtpHelper) {
    this.#helper = helper;
    const dialogue = this.#dialogue;
    this.#login = [
      dialogue.open(),
      dialogue.say(SERVER, '220 ready\r\n'),
      dialogue.say(CLIENT, 'USER anonymous\r\n'),
      dialogue.say(SERVER, '331 password\r\n'),
      dialogue.say(CLIENT, 'PASS x\r\n'),
      dialogue.say(SERVER, '230 logged in\r\n'),
    ];
  }

  /** Has connection `number` log in. */
  login(number: number): void {
    this.#send(number, this.#login);
  }

  /** Has it say a command that announces nothing, and hear its reply. */
  exchange(number: number): void {
    const at = this.#at.get(number) ?? 0;
    this.#at.set(number, at + 1);
    const exchange = (this.#exchanges[at] ??= [
      this.#dialogue.say(CLIENT, 'NOOP\r\n'),
      this.#dialogue.say(SERVER, '200 ok\r\n'),
    ]);
    this.#send(number, exchange);
  }

  /** Has it ask for passive mode, and the server announce a port. */
  announce(number: number): void {
    this.#announcement ??= [
      this.#dialogue.say(CLIENT, 'PASV\r\n'),
      this.#dialogue.say(SERVER, '227 Entering Passive Mode (192,0,2,1,156,64).\r\n'),
    ];
    this.#send(number, this.#announcement);
  }

  #send(number: number, said: readonly Said[]): void {
    for (const { from, packet } of said) {
      packet.writeUInt32BE(CLIENT_BASE + number, from === CLIENT ? SOURCE_AT : DESTINATION_AT);
      this.#helper.onPacket(packet, 0, packet.length, 1, number);
    }
  }
}
