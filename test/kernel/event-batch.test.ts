import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SystemCallError, type ConntrackFtpError } from '../../src/errors.js';
import type { NativeError, NativeEventSocket } from '../../src/kernel/binding.js';
import { ConntrackEvents, type ConntrackEvent } from '../../src/kernel/conntrack-events.js';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import { CTNETLINK_MESSAGES, messageType, MULTICAST_GROUPS, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import { parseExchanges } from './exchange.js';
import { MASTER } from './exchange-scenarios.js';

const CONNECTION_ENDED = messageType(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.delete);
/** A created expectation; the end of its master; the end of the expectation. */
const RECORDED = Buffer.concat(
  parseExchanges(readFileSync(new URL('../fixtures/netlink/events-ipv4.hex', import.meta.url), 'utf8')).map(
    ({ response }) => response,
  ),
);

/** A socket that receives the bytes a test passes to it. */
class FakeEventSocket implements NativeEventSocket {
  readonly slab = new ArrayBuffer(8192);
  readonly overruns = 3;
  readonly groups: readonly number[];
  readonly onError: (error: NativeError) => void;
  closed = 0;
  readonly #onEvents: (length: number) => void;

  constructor(
    groups: readonly number[],
    _receiveBufferBytes: number,
    onEvents: (length: number) => void,
    onError: (error: NativeError) => void,
  ) {
    this.groups = groups;
    this.#onEvents = onEvents;
    this.onError = onError;
  }

  receive(bytes: Buffer): void {
    const slab = Buffer.from(this.slab);
    bytes.copy(slab);
    this.#onEvents(bytes.length);
    slab.fill(0xa5);
  }

  close(): void {
    this.closed += 1;
  }
}

interface Subscription {
  readonly socket: FakeEventSocket;
  readonly events: ConntrackEvents;
  readonly seen: ConntrackEvent[];
  readonly errors: ConntrackFtpError[];
}

function subscribe(onEvent?: (subscription: Subscription) => void, expectations = true): Subscription {
  const made: FakeEventSocket[] = [];
  class KeptSocket extends FakeEventSocket {
    constructor(...args: ConstructorParameters<typeof FakeEventSocket>) {
      super(...args);
      made.push(this);
    }
  }
  const seen: ConntrackEvent[] = [];
  const errors: ConntrackFtpError[] = [];
  const events = new ConntrackEvents(
    { EventSocket: KeptSocket },
    {
      ...(expectations ? { expectations: 'made and ended' } : {}),
      receiveBufferBytes: 4096,
      onEvent: (event) => {
        seen.push(event);
        onEvent?.(subscription);
      },
      onError: (error) => errors.push(error),
    },
  );
  const [socket] = made;
  if (socket === undefined) throw new Error('no socket was made');
  const subscription = { socket, events, seen, errors };
  return subscription;
}

it('a batch delivers each of its events, and they stay valid afterwards', () => {
  const { socket, seen, events } = subscribe();
  socket.receive(RECORDED);
  expect(seen).toMatchObject([
    { kind: 'expectation-made', expectation: { master: MASTER[4] } },
    { kind: 'connection-ended', connection: { original: MASTER[4] } },
    { kind: 'expectation-ended', expectation: { master: MASTER[4] } },
  ]);
  expect([events.malformed, events.overruns]).toEqual([0, 3]);
});

it('only the groups of the requested events are joined', () => {
  const { conntrackDestroy, expectationNew, expectationDestroy } = MULTICAST_GROUPS;
  expect(subscribe().socket.groups).toEqual([conntrackDestroy, expectationNew, expectationDestroy]);
  expect(subscribe(undefined, false).socket.groups).toEqual([conntrackDestroy]);
});

it('closing inside a callback ends the batch', () => {
  const { socket, seen, events } = subscribe((subscription) => {
    subscription.events.close();
  });
  socket.receive(RECORDED);
  expect(seen).toHaveLength(1);
  expect(socket.closed).toBe(1);
  socket.receive(RECORDED);
  expect([seen.length, events.malformed]).toEqual([1, 0]);
});

it('malformed messages are counted and skipped; other message types are skipped', () => {
  const writer = new NetlinkWriter();
  writer.beginMessage(CONNECTION_ENDED, 0, 0);
  writer.fixed(Buffer.alloc(4));
  writer.beginMessage(messageType(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.new), 0, 0);
  const { socket, seen, events } = subscribe();
  socket.receive(Buffer.concat([writer.written, RECORDED]));
  expect([seen.length, events.malformed]).toEqual([3, 1]);
  socket.receive(Buffer.alloc(5));
  expect([seen.length, events.malformed]).toEqual([3, 2]);
});

it('a failed receive is reported as a failed system call', () => {
  const { socket, errors } = subscribe();
  const failure = Object.assign(new Error('no'), { errno: 12, code: 'ENOMEM', operation: 'receive events' });
  socket.onError(failure);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(SystemCallError);
  expect(errors[0]).toMatchObject({ operation: 'receive events', errnoName: 'ENOMEM', cause: failure });
});
