import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConntrack, writeConntrack } from '../../src/wire/conntrack.js';
import { FOLLOW_MASTER, readExpectation, writeExpectation } from '../../src/wire/expectation.js';
import { MessageReader } from '../../src/wire/netlink.js';
import { CTNETLINK_MESSAGES, messageType, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import { parseExchanges } from '../kernel/exchange.js';
import {
  FAMILIES,
  MASTER,
  TRANSLATED_REPLY,
  translatedPinhole,
  type Family,
} from '../kernel/exchange-scenarios.js';
import { writePayload } from './netlink-corpus.js';

const EXPECTATION_MADE = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.new);
const EXPECTATION_ENDED = messageType(SUBSYSTEMS.expectation, CTNETLINK_MESSAGES.delete);
const CONNECTION_ENDED = messageType(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.delete);

interface Message {
  readonly type: number;
  readonly bytes: Buffer;
  readonly payloadAt: number;
  readonly end: number;
}

describe.each(FAMILIES)('events recorded from the kernel, IPv%i', (family) => {
  const messages = readEvents(family);
  const [made, ended] = messages.filter(({ type }) => type !== CONNECTION_ENDED);
  const [gone] = messages.filter(({ type }) => type === CONNECTION_ENDED);
  const expectation = {
    master: MASTER[family],
    tuple: translatedPinhole(family).tuple,
    sourceMask: new Uint8Array(MASTER[family].source.length).fill(0xff),
    sourcePortMask: 0,
    zone: 0,
    flags: 0,
    class: 0,
    helper: 'sane',
    fn: FOLLOW_MASTER,
    nat: {
      direction: 1,
      tuple: { ...translatedPinhole(family).nat?.tuple, destination: zeros(family) },
    },
  };

  it('number three', () => {
    expect(messages.map(({ type }) => type)).toEqual([EXPECTATION_MADE, CONNECTION_ENDED, EXPECTATION_ENDED]);
  });

  it.each([
    { name: 'made', event: made, timeout: 300 },
    { name: 'ended', event: ended, timeout: 60 },
  ])('tell of the expectation that was $name', ({ event, timeout }) => {
    const parsed = readExpectation(...rangeOf(event));
    expect(parsed).toMatchObject({ ok: true, value: { ...expectation, timeout } });
    if (!parsed.ok) return;
    const { bytes, payloadAt, end } = writePayload((writer) => {
      writeExpectation(writer, parsed.value);
    });
    expect(readExpectation(bytes, payloadAt, end)).toEqual(parsed);
  });

  it('describe the connection that ended', () => {
    const parsed = readConntrack(...rangeOf(gone));
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        protocol: 6,
        original: MASTER[family],
        reply: TRANSLATED_REPLY[family],
        mark: 0xa5,
        zone: 0,
        helper: undefined,
        master: undefined,
      },
    });
    if (!parsed.ok) return;
    const { bytes, payloadAt, end } = writePayload((writer) => {
      writeConntrack(writer, parsed.value);
    });
    expect(readConntrack(bytes, payloadAt, end)).toEqual(parsed);
  });
});

/** The kernel keeps no destination for the NAT of an expectation. */
const zeros = (family: Family): Uint8Array => new Uint8Array(family === 4 ? 4 : 16);

function rangeOf(message: Message | undefined): [bytes: Buffer, payloadAt: number, end: number] {
  if (message === undefined) throw new Error('the event is not in the fixture');
  return [message.bytes, message.payloadAt, message.end];
}

function readEvents(family: Family): Message[] {
  const fixture = new URL(`../fixtures/netlink/events-ipv${family}.hex`, import.meta.url);
  return parseExchanges(readFileSync(fixture, 'utf8')).flatMap(({ response }) => {
    const messages: Message[] = [];
    const reader = new MessageReader(response, 0, response.length);
    while (reader.next()) {
      const { type, bytes, payloadAt, end } = reader;
      messages.push({ type, bytes, payloadAt, end });
    }
    expect(reader.fault).toBeUndefined();
    return messages;
  });
}
