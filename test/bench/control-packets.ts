/**
 * Packets of any number of control connections, made in one buffer, one after the other: all of them are at the same place of
 * the same dialogue, so that each line is one packet, of which the client's address is set anew.
 *
 * @module
 */
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { Dialogue, setClient, type Said } from './dialogue.js';

export class ControlPackets {
  readonly #helper: FtpHelper;
  readonly #connections: number;
  readonly #dialogue = new Dialogue();

  constructor(helper: FtpHelper, connections: number) {
    this.#helper = helper;
    this.#connections = connections;
  }

  /** Has each connection log in. */
  login(): void {
    const login = this.#dialogue.login();
    for (let number = 0; number < this.#connections; number++) this.#send(login, number);
  }

  /** Has each in turn say a command that announces nothing, and hear its reply; answers how many nanoseconds that took. */
  exchange(): number {
    const exchange = [this.#dialogue.say('client', 'NOOP\r\n'), this.#dialogue.say('server', '200 ok\r\n')];
    const began = process.hrtime.bigint();
    for (let number = 0; number < this.#connections; number++) this.#send(exchange, number);
    return Number(process.hrtime.bigint() - began);
  }

  /** Has each ask for passive mode, and the server announce a port. */
  announce(): void {
    const announcement = [
      this.#dialogue.say('client', 'PASV\r\n'),
      this.#dialogue.say('server', '227 Entering Passive Mode (192,0,2,1,156,64).\r\n'),
    ];
    for (let number = 0; number < this.#connections; number++) this.#send(announcement, number);
  }

  #send(all: readonly Said[], number: number): void {
    for (const said of all) {
      setClient(said, number);
      this.#helper.onPacket({ bytes: said.packet, start: 0, end: said.packet.length, number }, 1);
    }
  }
}
