/**
 * A packet queue in which each packet chooses its own verdict: UDP datagrams that begin with `drop`, `mark` or
 * `swap` are treated so, all others are accepted.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { NativeBinding } from '../../src/kernel/binding.js';
import { PacketQueue } from '../../src/kernel/packet-queue.js';

/** Destination port of the datagrams. */
export const DATAGRAM_PORT = 7007;
/** The mark set on packets that begin with `mark`. */
export const GIVEN_MARK = 0x8000002a;

export interface QueuedPacket {
  readonly text: string;
  readonly packetId: number;
  readonly hook: number;
  readonly protocol: number;
  readonly mark: number;
  readonly outInterface: number;
  readonly cut: boolean;
}

const QUEUE_OPTIONS = {
  maxLength: 1024,
  failOpen: true,
  receiveBufferBytes: 1 << 20,
  batchSize: 8,
};
const UDP_HEADER_LENGTH = 8;
const IPV6_HEADER_LENGTH = 40;

export class QueueUnderTest {
  readonly seen: QueuedPacket[] = [];
  readonly #binding: NativeBinding;
  #queue: PacketQueue | undefined;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  bind(queue: number, copyRange: number): readonly string[] {
    this.#queue = new PacketQueue(
      this.#binding,
      { ...QUEUE_OPTIONS, queue, copyRange },
      {
        onBatch: (bound, count) => {
          for (let row = 0; row < count; row += 1) this.#take(bound, row);
        },
        onError: (error) => {
          throw error;
        },
      },
    );
    return this.#queue.refusals;
  }

  close(): void {
    this.#queue?.close();
  }

  #take(queue: PacketQueue, row: number): void {
    const start = queue.start(row);
    const textAt = start + headerLength(queue.bytes, start) + UDP_HEADER_LENGTH;
    const text = queue.bytes.toString('latin1', textAt, queue.end(row));
    this.seen.push({
      text,
      packetId: queue.packetId(row),
      hook: queue.hook(row),
      protocol: queue.protocol(row),
      mark: queue.mark(row),
      outInterface: queue.outInterface(row),
      cut: queue.cut(row),
    });
    if (text.startsWith('drop')) queue.drop(row);
    if (text.startsWith('mark')) queue.setMark(row, GIVEN_MARK);
    if (text.startsWith('swap')) swap(queue, row, textAt);
  }
}

const headerLength = (packet: Buffer, at: number): number =>
  packet.readUInt8(at) >>> 4 === 6 ? IPV6_HEADER_LENGTH : (packet.readUInt8(at) & 0xf) * 4;

/** Swaps two 16-bit words of the payload, which leaves the checksum unchanged. */
function swap(queue: PacketQueue, row: number, textAt: number): void {
  const [start, end] = [queue.start(row), queue.end(row)];
  const packet = Buffer.from(queue.bytes.subarray(start, end));
  const words = packet.subarray(textAt - start, textAt - start + 4);
  words.swap16().reverse();
  if (!queue.replace(row, packet, 0, packet.length)) throw new Error('no room for a packet');
}

/** Sends the datagrams over the loopback. Returns those that arrived, up to the last one of `texts`. */
export async function exchangeDatagrams(host: string, texts: readonly string[]): Promise<readonly string[]> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const arrived: string[] = [];
  try {
    socket.bind(DATAGRAM_PORT, host);
    await once(socket, 'listening');
    const last = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        arrived.push(message.toString('latin1'));
        if (arrived.at(-1) === texts.at(-1)) resolve();
      });
    });
    for (const text of texts) socket.send(text, DATAGRAM_PORT, host);
    await last;
    return arrived;
  } finally {
    socket.close();
  }
}
