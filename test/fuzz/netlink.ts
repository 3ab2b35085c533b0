/**
 * Netlink messages from a kernel or an impostor: events, dumps, acknowledgements. Everything readable must be
 * writable and read the same again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  peekConnectionPort,
  readConntrack,
  writeConntrack,
  type ConntrackEntry,
} from '../../src/wire/conntrack.js';
import { readExpectation, writeExpectation, type Expectation } from '../../src/wire/expectation.js';
import { MessageReader, readAcknowledgement } from '../../src/wire/netlink.js';
import type { Tuple } from '../../src/wire/tuple.js';
import { parseExchanges } from '../kernel/exchange.js';
import { writePayload } from '../wire/netlink-corpus.js';
import { readAside } from './surroundings.js';
import { words, type Target } from './target.js';

const FIXTURES = join(import.meta.dirname, '../fixtures/netlink');

/** Attribute headers in host order, as x64 and arm64 have them. */
export const NETLINK_WORDS = words(
  ...[
    '\x04\x00\x01\x00',
    '\x08\x00\x01\x00',
    '\x14\x00\x03\x00',
    '\x06\x00\x02\x00',
    '\x05\x00\x01\x00',
    '\xff\xff\x01\x00',
  ],
  ...[
    '\x00\x00\x00\x00',
    '\x03\x00\x01\x00',
    '\x34\x00\x01\x80',
    '\x1c\x00\x02\x80',
    '\x14\x00\x01\x80',
    '\x0a\x00\x05\x80',
  ],
  ...[
    '\x10\x00\x00\x00\x02\x00',
    '\x10\x00\x00\x00\x03\x00',
    '\x14\x00\x00\x00',
    '\xff\xff\xff\x7f',
    '\xff\xff\xff\xff',
  ],
);

export const netlinkTarget = (): Target => ({
  name: 'netlink',
  corpus: recordedDatagrams(),
  words: NETLINK_WORDS,
  maxLength: 4096,
  run(input) {
    readAside(input, readMessages);
  },
});

/** Recorded messages from and to kernels. */
export function recordedDatagrams(): Buffer[] {
  const exchanges = readdirSync(FIXTURES).flatMap((name) =>
    parseExchanges(readFileSync(join(FIXTURES, name), 'utf8')),
  );
  return exchanges.flatMap(({ request, response }) => [request, response]).filter(({ length }) => length > 0);
}

function readMessages(bytes: Buffer, start: number, end: number): unknown[] {
  const message = new MessageReader(bytes, start, end);
  const found: unknown[] = [];
  while (message.next()) {
    const { payloadAt, type, flags, sequence, portId } = message;
    assert.ok(message.at >= start && payloadAt <= message.end && message.end <= end);
    found.push({ type, flags, sequence, portId, at: message.at - start, end: message.end - start });
    found.push(readAcknowledgement(message));
    const port = peekConnectionPort(bytes, payloadAt, message.end);
    assert.ok(port === -1 || (port >= 0 && port <= 0xffff));
    const entry = readConntrack(bytes, payloadAt, message.end);
    if (entry.ok) assert.deepEqual(againConntrack(entry.value), entry.value);
    const expectation = readExpectation(bytes, payloadAt, message.end);
    if (expectation.ok && isWritable(expectation.value)) {
      assert.deepEqual(againExpectation(expectation.value), expectation.value);
    }
    found.push(port, told(entry, start), told(expectation, start));
  }
  return [...found, message.fault];
}

/** A fault's offset counts from the first byte of the input. */
const told = (reading: { readonly ok: boolean; readonly at?: number }, start: number): unknown =>
  reading.at === undefined ? reading : { ...reading, at: reading.at - start };

function againConntrack(entry: ConntrackEntry): unknown {
  const { bytes, payloadAt, end } = writePayload((writer) => {
    writeConntrack(writer, entry);
  });
  const reading = readConntrack(bytes, payloadAt, end);
  return reading.ok ? reading.value : reading;
}

function againExpectation(expectation: Expectation): unknown {
  const { bytes, payloadAt, end } = writePayload((writer) => {
    writeExpectation(writer, expectation);
  });
  const reading = readExpectation(bytes, payloadAt, end);
  return reading.ok ? reading.value : reading;
}

/** The mask of another family than the tuple that it is of is nothing that could be written. */
function isWritable({ tuple, sourceMask }: Expectation): boolean {
  const { source }: Tuple = tuple;
  return source.length === sourceMask.length;
}
