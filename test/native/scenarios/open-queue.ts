/**
 * Opens a queue with the usual options, and reads and writes its tables by column name.
 *
 * @module
 */
import {
  INDEX,
  INDEX_STRIDE,
  NF_ACCEPT,
  VERDICT,
  VERDICT_FLAGS,
  VERDICT_STRIDE,
  loadBinding,
  type NativeError,
  type NativeQueue,
  type NativeQueueOptions,
} from '../../../src/kernel/binding.js';

export const OPTIONS: NativeQueueOptions = {
  queue: 0,
  copyRange: 0,
  maxLength: 65_536,
  failOpen: false,
  receiveBufferBytes: 16 << 20,
  batchSize: 64,
};

export type OnBatch = (queue: NativeQueue, count: number) => void;

/** Opens a queue; errors are thrown, which ends the scenario, unless `onError` is given. */
export function openQueue(
  onBatch: OnBatch,
  options: Partial<NativeQueueOptions> = {},
  onError: (error: NativeError) => void = (error) => {
    throw error;
  },
): NativeQueue {
  const { QueueSocket } = loadBinding();
  const queue: NativeQueue = new QueueSocket(
    { ...OPTIONS, ...options },
    (count) => {
      onBatch(queue, count);
    },
    onError,
  );
  return queue;
}

export const acceptAll: OnBatch = () => undefined;

export type IndexRow = Record<keyof typeof INDEX, number>;

/** One row of the index, by column name. */
export function indexRow(queue: NativeQueue, at: number): IndexRow {
  const columns = Object.entries(INDEX).map(([name, column]) => [
    name,
    queue.index[at * INDEX_STRIDE + column],
  ]);
  return Object.fromEntries(columns) as IndexRow;
}

/** The packet in the slab, from its network header. */
export function packetOf(queue: NativeQueue, at: number): Buffer {
  const { offset, length } = indexRow(queue, at);
  return Buffer.from(queue.slab, offset, length);
}

const UDP_HEADER = 8;
const headersOf = (packet: Buffer): number => (packet.readUInt8(0) >>> 4 === 4 ? 20 : 40) + UDP_HEADER;

/** The text of the datagram in the packet. */
export const textOf = (packet: Buffer): string => packet.toString('latin1', headersOf(packet));

export type VerdictRow = Partial<Record<keyof typeof VERDICT, number>>;

/** Writes one row of the verdict table; omitted columns become 0, the verdict accept. */
export function setVerdict(queue: NativeQueue, at: number, row: VerdictRow): void {
  const complete = { verdict: NF_ACCEPT, flags: 0, mark: 0, payloadOffset: 0, payloadLength: 0, ...row };
  for (const [name, value] of Object.entries(complete)) {
    queue.verdicts[at * VERDICT_STRIDE + VERDICT[name as keyof typeof VERDICT]] = value;
  }
}

/** Replaces the packet with one that has the same headers and another text, stored at `poolOffset` of the pool. */
export function replaceText(queue: NativeQueue, at: number, text: string, poolOffset = 0): number {
  const packet = packetOf(queue, at);
  const headers = headersOf(packet);
  const replacement = Buffer.from(queue.replacements, poolOffset, headers + text.length);
  packet.copy(replacement, 0, 0, headers);
  replacement.write(text, headers, 'latin1');
  replacement.writeUInt16BE(replacement.length, 2); // IPv4 total length
  replacement.writeUInt16BE(0, 10);
  replacement.writeUInt16BE(headerChecksum(replacement.subarray(0, 20)), 10);
  replacement.writeUInt16BE(UDP_HEADER + text.length, 24);
  replacement.writeUInt16BE(0, 26); // no UDP checksum (RFC 768)
  const flags = VERDICT_FLAGS.hasPayload;
  setVerdict(queue, at, { flags, payloadOffset: poolOffset, payloadLength: replacement.length });
  return poolOffset + replacement.length;
}

/** The checksum of RFC 1071, over an even number of bytes. */
function headerChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}
