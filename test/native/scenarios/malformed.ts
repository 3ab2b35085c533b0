/**
 * Sends malformed netlink messages through the addon and the readers behind it; kernel-end.c stands in for the
 * kernel. An input is an entry point and some datagrams, so that an input that broke something can be replayed.
 *
 * @module
 */
import { closeSync, writeFileSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { savedCrashes } from '../../fuzz/crashes.js';
import { mutate } from '../../fuzz/mutation.js';
import { NETLINK_WORDS, recordedDatagrams } from '../../fuzz/netlink.js';
import { Random } from '../../fuzz/random.js';
import { ConntrackFtpError, NetlinkMalformed, SystemCallError } from '../../../src/errors.js';
import { loadBinding } from '../../../src/kernel/binding.js';
import { ConntrackEvents } from '../../../src/kernel/conntrack-events.js';
import { NetlinkSocket } from '../../../src/kernel/netlink-socket.js';
import { PacketQueue } from '../../../src/kernel/packet-queue.js';
import { writeHostUint16, writeHostUint32 } from '../../../src/wire/host-order.js';
import { CONTROL_TYPES, MESSAGE_HEADER, MESSAGE_HEADER_LENGTH } from '../../../src/wire/netlink.js';
import { CTNETLINK_MESSAGES, messageType, SUBSYSTEMS } from '../../../src/wire/nfnetlink.js';
import { tcpPacket } from '../../wire/packets.js';
import { OPTIONS } from './open-queue.js';
import { perform } from './perform.js';

const binding = loadBinding();

const QUEUE_PACKET = messageType(SUBSYSTEMS.queue, 0);
const NFQA = { packetHeader: 1, mark: 3, inDevice: 5, payload: 10, capturedLength: 13, skbInfo: 14 } as const;
/** Datagrams written at once; a queue's configuration takes three acknowledgements. */
const MOST_DATAGRAMS = 8;
const CONFIGURATION_STEPS = 3;
const MOST_TURNS = 10_000;
const MAX_INPUT = 70_000;
/** Copy range of the packet slab: some datagrams are longer than their slots. */
const COPY_RANGE = 2000;

const WAYS_IN = ['queue', 'events', 'requests', 'configuration'] as const;

/** A netlink message with these attributes, as on x64 and arm64. */
function message(
  type: number,
  sequence: number,
  attributes: readonly [type: number, value: Buffer][],
): Buffer {
  const body = attributes.map(([attributeType, value]) => {
    const bytes = Buffer.alloc(4 + ((value.length + 3) & ~3));
    writeHostUint16(bytes, 0, 4 + value.length);
    writeHostUint16(bytes, 2, attributeType);
    value.copy(bytes, 4);
    return bytes;
  });
  const bytes = Buffer.concat([Buffer.alloc(MESSAGE_HEADER_LENGTH + 4), ...body]);
  writeHostUint32(bytes, MESSAGE_HEADER.length, bytes.length);
  writeHostUint16(bytes, MESSAGE_HEADER.type, type);
  writeHostUint32(bytes, MESSAGE_HEADER.sequence, sequence);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A packet message as nfnetlink_queue sends it. */
function packetMessage(id: number, payload: Buffer): Buffer {
  return message(QUEUE_PACKET, 0, [
    [NFQA.packetHeader, Buffer.concat([uint32(id), Buffer.from('080000', 'hex')])],
    [NFQA.inDevice, uint32(2)],
    [NFQA.mark, uint32(0x2000_0000)],
    [NFQA.skbInfo, uint32(1)],
    [NFQA.capturedLength, uint32(payload.length)],
    [NFQA.payload, payload],
  ]);
}

/** struct nlmsgerr: an errno and the header of the request. */
function acknowledgement(sequence: number, errno: number): Buffer {
  const bytes = Buffer.concat([
    message(CONTROL_TYPES.error, sequence, []),
    Buffer.alloc(MESSAGE_HEADER_LENGTH),
  ]);
  writeHostUint32(bytes, MESSAGE_HEADER.length, bytes.length);
  writeHostUint32(bytes, MESSAGE_HEADER_LENGTH, -errno >>> 0);
  return bytes;
}

const PACKET = tcpPacket({ source: '10.0.1.2:40000', destination: '10.0.2.2:21', payload: 'PASV\r\n' });
const ACKNOWLEDGEMENTS = Array.from({ length: CONFIGURATION_STEPS }, (_, step) =>
  acknowledgement(step + 1, 0),
);

/** Datagrams to mutate; answers have the sequence number of the request that is made here. */
const POOL: readonly Buffer[] = [
  ...ACKNOWLEDGEMENTS,
  ...[1, 17, 105].map((errno) => acknowledgement(1, errno)),
  ...[PACKET, Buffer.alloc(0), Buffer.alloc(COPY_RANGE, 0x45), Buffer.alloc(40_000)].map((packet, at) =>
    packetMessage(at + 1, packet),
  ),
  ...recordedDatagrams(),
  ...recordedDatagrams().map((datagram) => {
    const renumbered = Buffer.from(datagram);
    if (renumbered.length >= MESSAGE_HEADER_LENGTH) writeHostUint32(renumbered, MESSAGE_HEADER.sequence, 1);
    return renumbered;
  }),
];

const target = {
  name: 'addon',
  corpus: POOL,
  words: NETLINK_WORDS,
  maxLength: MAX_INPUT,
  run: () => undefined,
};

function anyInput(random: Random): Buffer {
  const datagrams = Array.from({ length: random.between(1, MOST_DATAGRAMS) }, () =>
    random.oneIn(4) ? random.pick(POOL) : mutate(target, POOL, random),
  );
  return Buffer.concat([Buffer.of(random.below(256)), records(datagrams)]);
}

/** Each datagram is preceded by its length, as kernel-end.c reads them. */
function records(datagrams: readonly Buffer[]): Buffer {
  return Buffer.concat(
    datagrams.flatMap((datagram) => {
      const length = Buffer.alloc(4);
      writeHostUint32(length, 0, datagram.length);
      return [length, datagram];
    }),
  );
}

function datagramsOf(input: Buffer): Buffer[] {
  const datagrams: Buffer[] = [];
  for (let at = 1; at + 4 <= input.length;) {
    const length = input.readUInt32LE(at);
    datagrams.push(Buffer.from(input.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return datagrams;
}

const answerWith = (datagrams: readonly Buffer[]): void => {
  writeFileSync(process.env['KERNEL_ANSWERS'] ?? '', records(datagrams));
};

/** Descriptor of the kernel's end of the most recently opened socket. */
const kernelEnd = (): number => Number(process.env['KERNEL_END']);

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns === MOST_TURNS) throw new Error(`waited in vain for ${what}`);
    await turn();
  }
}

/**
 * All sockets that malformed messages go through; opened once, so that each input meets the state that the last one
 * left.
 */
class Addon {
  readonly #queue: PacketQueue;
  readonly #queueEnd: number;
  readonly #events: ConntrackEvents;
  readonly #eventsEnd: number;
  readonly #requests = new binding.RequestSocket();
  readonly #requestsEnd = kernelEnd();
  #packets = 0;
  #eventsSeen = 0;
  #touched = 0;

  constructor() {
    answerWith(ACKNOWLEDGEMENTS);
    this.#queue = this.#openQueue();
    this.#queueEnd = kernelEnd();
    this.#events = new ConntrackEvents(binding, {
      expectations: 'made and ended',
      receiveBufferBytes: 1 << 20,
      onEvent: () => {
        this.#eventsSeen++;
      },
      onError: (error) => {
        throw error;
      },
    });
    this.#eventsEnd = kernelEnd();
  }

  async take(input: Buffer): Promise<void> {
    const datagrams = datagramsOf(input);
    switch (WAYS_IN[(input[0] ?? 0) % WAYS_IN.length] ?? 'queue') {
      case 'queue':
        await this.#queuePackets(datagrams);
        break;
      case 'events':
        await this.#sendEvents(datagrams);
        break;
      case 'requests':
        this.#answerRequests(datagrams);
        break;
      case 'configuration':
        this.#answerConfiguration(datagrams);
        break;
    }
  }

  close(): void {
    this.#queue.close();
    this.#events.close();
    this.#requests.close();
    for (const end of [this.#queueEnd, this.#eventsEnd, this.#requestsEnd]) closeSync(end);
  }

  #openQueue(): PacketQueue {
    const options = { ...OPTIONS, copyRange: COPY_RANGE, receiveBufferBytes: 1 << 20, batchSize: 4 };
    return new PacketQueue(binding, options, {
      onBatch: (queue, count) => {
        for (let row = 0; row < count; row++) this.#takePacket(queue, row);
      },
      onError: (error) => {
        throw error;
      },
    });
  }

  /** Reads the whole packet and sets a verdict. */
  #takePacket(queue: PacketQueue, row: number): void {
    this.#packets++;
    const [start, end] = [queue.start(row), queue.end(row)];
    if (start < 0 || end < start || end > queue.bytes.length)
      throw new Error(`a packet from ${start} to ${end}`);
    for (let at = start; at < end; at++) this.#touched += queue.bytes.readUInt8(at);
    switch (queue.packetId(row) % 4) {
      case 0:
        queue.drop(row);
        break;
      case 1:
        queue.setMark(row, queue.mark(row));
        break;
      case 2:
        if (start < end) queue.replace(row, queue.bytes, start, end);
        break;
    }
  }

  /** Each datagram counts as a packet, a rejected verdict, or malformed. */
  async #queuePackets(datagrams: readonly Buffer[]): Promise<void> {
    const counted = (): number => this.#packets + this.#queue.malformed + this.#queue.rejected;
    const before = counted();
    for (const datagram of datagrams) writeSync(this.#queueEnd, datagram);
    await until('the packets', () => counted() >= before + datagrams.length);
  }

  /** Whatever the datagrams contain, a valid event after them is received. */
  async #sendEvents(datagrams: readonly Buffer[]): Promise<void> {
    for (const datagram of datagrams) writeSync(this.#eventsEnd, datagram);
    const before = this.#eventsSeen;
    await until('a valid event', () => {
      if (this.#eventsSeen > before) return true;
      writeSync(this.#eventsEnd, VALID_EVENT);
      return false;
    });
    await turn();
  }

  #answerRequests(datagrams: readonly Buffer[]): void {
    answerWith(datagrams);
    const socket = new NetlinkSocket(this.#requests);
    socket.request(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.get, 0, 0);
    try {
      for (const { replies } of socket.transact('ask')) this.#touched += replies.length;
    } catch (error) {
      if (!(error instanceof NetlinkMalformed || error instanceof SystemCallError)) throw error;
    }
  }

  /** Opens another queue: it either opens or reports why not. */
  #answerConfiguration(datagrams: readonly Buffer[]): void {
    answerWith([...datagrams, ...ACKNOWLEDGEMENTS.slice(datagrams.length % 2)]);
    const before = process.env['KERNEL_END'];
    try {
      this.#openQueue().close();
    } catch (error) {
      if (!(error instanceof ConntrackFtpError)) throw error;
    } finally {
      if (process.env['KERNEL_END'] !== before) closeSync(kernelEnd());
      answerWith([]);
    }
  }
}

const VALID_EVENT =
  recordedDatagrams().find(
    (datagram) => datagram.readUInt16LE(4) === messageType(SUBSYSTEMS.expectation, 0),
  ) ?? Buffer.alloc(0);

interface Argument {
  readonly seed: number;
  readonly seconds: number;
  readonly iterations: number;
}

await perform({
  /** Runs saved crashes first. */
  'malformed messages': async (argument) => {
    const { seed, seconds, iterations } = argument as Argument;
    const random = new Random(seed);
    const addon = new Addon();
    const begun = performance.now();
    const passed = (): number => (performance.now() - begun) / 1000;
    const take = async (input: Buffer): Promise<void> => {
      writeFileSync(process.env['INPUT_UNDER_WAY'] ?? '', input);
      await addon.take(input);
    };
    for (const crash of savedCrashes('addon').values()) await take(crash);
    let count = 0;
    for (; count < iterations && passed() < seconds; count++) await take(anyInput(random));
    addon.close();
    return { iterations: count, seconds: passed(), pool: POOL.length };
  },
});
