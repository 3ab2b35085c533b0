import { describe, expect, it } from 'vitest';
import { NetlinkMalformed, NetlinkRejected, SystemCallError } from '../../src/errors.js';
import type { NativeBinding, NativeError, NativeRequestSocket } from '../../src/kernel/binding.js';
import { NetlinkSocket } from '../../src/kernel/netlink-socket.js';
import { writeHostUint16, writeHostUint32 } from '../../src/wire/host-order.js';
import { CONTROL_TYPES, MESSAGE_FLAGS, MESSAGE_HEADER, MessageReader } from '../../src/wire/netlink.js';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import { SUBSYSTEMS } from '../../src/wire/nfnetlink.js';

const ENOENT = 2;
const EINVAL = 22;

/** A fake kernel that answers every request with what `answer` writes. */
class FakeKernel implements NativeRequestSocket {
  readonly portId = 77;
  readonly requests: number[] = [];
  readonly #answer: (writer: NetlinkWriter, sequence: number) => void;

  constructor(answer: (writer: NetlinkWriter, sequence: number) => void) {
    this.#answer = answer;
  }

  transact(request: Uint8Array, response: Uint8Array): number {
    const writer = new NetlinkWriter();
    const message = new MessageReader(Buffer.from(request), 0, request.length);
    while (message.next()) {
      this.requests.push(message.sequence);
      this.#answer(writer, message.sequence);
    }
    response.set(writer.written);
    return writer.written.length;
  }

  close(): void {
    throw new Error('not closed in these tests');
  }
}

describe('a transaction', () => {
  it('returns the answers in order, each with its own replies', () => {
    const socket = socketTo((writer, sequence) => {
      if (sequence === 2) reply(writer, sequence, 0x100);
      acknowledge(writer, sequence, sequence === 3 ? ENOENT : 0);
    });
    for (let count = 0; count < 3; count += 1) ask(socket);
    const answers = socket.transact('ask');
    expect(answers.map(({ errno }) => errno)).toEqual([0, 0, ENOENT]);
    expect(answers.map(({ replies }) => replies.map(({ type }) => type))).toEqual([[], [0x100], []]);
  });

  it("returns the kernel's explanation of a refusal", () => {
    const socket = socketTo((writer, sequence) => {
      acknowledge(writer, sequence, EINVAL, 'helper missing');
    });
    ask(socket);
    expect(socket.transact('ask')).toEqual([{ errno: EINVAL, explanation: 'helper missing', replies: [] }]);
  });

  it('ignores late answers to an earlier transaction', () => {
    const socket = socketTo((writer, sequence) => {
      acknowledge(writer, sequence - 1, EINVAL);
      reply(writer, sequence - 1, 0x100);
      acknowledge(writer, sequence, 0);
      acknowledge(writer, sequence + 5, EINVAL);
    });
    for (let count = 0; count < 3; count += 1) {
      ask(socket);
      expect(socket.transact('ask')).toEqual([{ errno: 0, explanation: undefined, replies: [] }]);
    }
  });

  it('wraps sequence numbers at 2^32', () => {
    const kernel = new FakeKernel((writer, sequence) => {
      acknowledge(writer, sequence, 0);
    });
    const socket = new NetlinkSocket(kernel, 0xffffffff);
    for (let count = 0; count < 3; count += 1) ask(socket);
    expect(socket.transact('ask')).toHaveLength(3);
    expect(kernel.requests).toEqual([0xffffffff, 0, 1]);
  });

  it('applies the single EPERM for a process without permission to all its requests', () => {
    const EPERM = 1;
    const socket = socketTo((writer, sequence) => {
      if (sequence === 1) acknowledge(writer, sequence, EPERM);
    });
    ask(socket);
    ask(socket);
    expect(socket.transact('ask').map(({ errno }) => errno)).toEqual([EPERM, EPERM]);
  });

  it('without an acknowledgement, or with a truncated one, is malformed', () => {
    const silent = socketTo(() => undefined);
    ask(silent);
    expect(() => silent.transact('ask')).toThrow(NetlinkMalformed);
    const cut = socketTo((writer, sequence) => {
      writer.beginMessage(CONTROL_TYPES.error, 0, sequence);
    });
    ask(cut);
    expect(() => cut.transact('ask')).toThrow(/message-body-truncated/);
  });

  it('with bytes that are no message is malformed and does not affect the next', () => {
    let first = true;
    const socket = socketTo((writer, sequence) => {
      if (first) writer.fixed(Buffer.alloc(8));
      else acknowledge(writer, sequence, 0);
      first = false;
    });
    ask(socket);
    expect(() => socket.transact('ask')).toThrow(/message-header-truncated/);
    ask(socket);
    expect(socket.transact('ask')).toHaveLength(1);
  });

  it('run by `execute` throws the first refusal, with its operation', () => {
    const socket = socketTo((writer, sequence) => {
      acknowledge(writer, sequence, sequence === 1 ? 0 : sequence === 2 ? EINVAL : ENOENT, 'why');
    });
    for (let count = 0; count < 3; count += 1) ask(socket);
    const refused = catching(() => socket.execute('mark a connection'));
    expect(refused).toBeInstanceOf(NetlinkRejected);
    expect(refused).toMatchObject({
      errno: EINVAL,
      errnoName: 'EINVAL',
      explanation: 'why',
      message: 'mark a connection: kernel answered EINVAL (why)',
    });
  });
});

describe('a socket', () => {
  it('that cannot be opened is a failed system call, not a refusal', () => {
    const failure: NativeError = Object.assign(new Error('no'), { errno: 93, code: 'EPROTONOSUPPORT', operation: 'open a socket' }); // prettier-ignore
    class Failing implements NativeRequestSocket {
      readonly portId = 0;
      constructor() {
        throw failure;
      }
      transact(): number {
        return 0;
      }
      close(): void {
        return;
      }
    }
    const binding: Pick<NativeBinding, 'RequestSocket'> = { RequestSocket: Failing };
    const failed = catching(() => NetlinkSocket.open(binding));
    expect(failed).toBeInstanceOf(SystemCallError);
    expect(failed).toMatchObject({
      operation: 'open a socket',
      errnoName: 'EPROTONOSUPPORT',
      cause: failure,
    });
  });

  it("rethrows this project's own errors unchanged", () => {
    const socket = socketTo(() => {
      throw new TypeError('ours');
    });
    ask(socket);
    expect(() => socket.transact('ask')).toThrow(TypeError);
  });
});

const socketTo = (answer: (writer: NetlinkWriter, sequence: number) => void): NetlinkSocket =>
  new NetlinkSocket(new FakeKernel(answer));

function ask(socket: NetlinkSocket): void {
  socket.request(SUBSYSTEMS.conntrack, 1, 0, 2);
}

function reply(writer: NetlinkWriter, sequence: number, type: number): void {
  writer.beginMessage(type, 0, sequence);
  writer.fixed(Buffer.alloc(4));
}

function acknowledge(writer: NetlinkWriter, sequence: number, errno: number, explanation?: string): void {
  const flags = explanation === undefined ? 0 : MESSAGE_FLAGS.acknowledgementAttributes;
  writer.beginMessage(CONTROL_TYPES.error, MESSAGE_FLAGS.capped | flags, sequence >>> 0);
  const body = Buffer.alloc(20);
  writeHostUint32(body, 0, -errno >>> 0);
  writeHostUint32(body, 4 + MESSAGE_HEADER.length, 20);
  writeHostUint16(body, 4 + MESSAGE_HEADER.type, 0x101);
  writer.fixed(body);
  if (explanation !== undefined) writer.text(1, explanation);
}

function catching(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
