/**
 * Packets that lie one behind the other in one buffer, as the queue's memory holds them, to be given to the helper lap after
 * lap.
 *
 * @module
 */
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { ACKNOWLEDGMENT_AT, Dialogue, SEQUENCE_AT, setClientPort, type Said } from './dialogue.js';

/** Seconds; no connection falls idle. */
const NOW = 1;

export class Lap {
  readonly bytes: Buffer;
  /** Packet n is `[bounds[n], bounds[n + 1])`. */
  readonly bounds: Uint32Array;

  constructor(packets: readonly Buffer[]) {
    this.bytes = Buffer.concat(packets);
    this.bounds = new Uint32Array(packets.length + 1);
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
    const view = { bytes: this.bytes, start: 0, end: 0, number: 0 };
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
