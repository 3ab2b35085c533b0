/**
 * A tuple as the words that the flow table hashes and compares: source, destination, then both ports in one
 * word. IPv4 takes three words, IPv6 nine. The count distinguishes the families, so an IPv4-mapped IPv6
 * address never equals the IPv4 address.
 *
 * @module
 */
import { i32At } from '../wire/big-endian.js';
import { IPV4_LENGTH, IPV6_LENGTH, type IpAddress } from '../wire/ip-address.js';
import type { Tuple } from '../wire/tuple.js';

const WORD_LENGTH = 4;
const IPV4_KEY_WORDS = (2 * IPV4_LENGTH) / WORD_LENGTH + 1;
/** Words of the longer key, IPv6. */
export const KEY_WORDS = (2 * IPV6_LENGTH) / WORD_LENGTH + 1;

/** A reusable key, refilled for each lookup, so that looking up a packet's tuple allocates nothing. */
export class TupleKey {
  readonly words = new Int32Array(KEY_WORDS);
  /** Words in use; the others are left over from an earlier key. */
  count = 0;

  /** Reads the addresses at two offsets of a packet. The caller has checked that they are there. */
  readPacket(
    family: 4 | 6,
    bytes: Buffer,
    sourceAt: number,
    destinationAt: number,
    sourcePort: number,
    destinationPort: number,
  ): void {
    if (family === 4) {
      this.words[0] = i32At(bytes, sourceAt);
      this.words[1] = i32At(bytes, destinationAt);
      this.#finish(2, sourcePort, destinationPort);
      return;
    }
    for (let at = 0; at < IPV6_LENGTH; at += WORD_LENGTH) {
      this.words[at >> 2] = i32At(bytes, sourceAt + at);
      this.words[(at + IPV6_LENGTH) >> 2] = i32At(bytes, destinationAt + at);
    }
    this.#finish((2 * IPV6_LENGTH) >> 2, sourcePort, destinationPort);
  }

  /** Throws `RangeError` if the addresses are of different families. */
  readTuple(tuple: Tuple): void {
    const { source, destination } = tuple;
    if (source.length !== destination.length) {
      throw new RangeError(`a tuple of ${source.length} and ${destination.length} address bytes`);
    }
    this.#readAddress(0, source);
    this.#readAddress(source.length >> 2, destination);
    this.#finish((2 * source.length) >> 2, tuple.sourcePort, tuple.destinationPort);
  }

  #readAddress(word: number, address: IpAddress): void {
    const view = new DataView(address.buffer, address.byteOffset, address.length);
    for (let at = 0; at < address.length; at += WORD_LENGTH) {
      this.words[word + (at >> 2)] = view.getInt32(at);
    }
  }

  #finish(word: number, sourcePort: number, destinationPort: number): void {
    this.words[word] = (sourcePort << 16) | destinationPort;
    this.count = word + 1;
  }
}

/** Returns the tuple of the `count` key words at `at`. */
export function tupleOfWords(words: Int32Array, at: number, count: number): Tuple {
  const addressWords = count === IPV4_KEY_WORDS ? 1 : IPV6_LENGTH / WORD_LENGTH;
  const ports = words[at + count - 1] ?? 0;
  return {
    source: addressOfWords(words, at, addressWords),
    destination: addressOfWords(words, at + addressWords, addressWords),
    sourcePort: ports >>> 16,
    destinationPort: ports & 0xffff,
  };
}

function addressOfWords(words: Int32Array, at: number, count: number): IpAddress {
  // Filled byte by byte: V8 keeps so small an array on its heap unless its `buffer` is read.
  const address = new Uint8Array(count * WORD_LENGTH);
  for (let byte = 0; byte < address.length; byte++) {
    address[byte] = (words[at + (byte >> 2)] ?? 0) >>> (24 - (byte & 3) * 8);
  }
  return address;
}
