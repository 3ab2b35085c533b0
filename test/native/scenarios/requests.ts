/**
 * Requests to ctnetlink and nfnetlink_queue, written byte by byte without a codec.
 *
 * @module
 */
import {
  readHostInt32,
  readHostUint16,
  readHostUint32,
  writeHostUint16,
  writeHostUint32,
} from '../../../src/wire/host-order.js';
import { loadBinding, type NativeRequestSocket } from '../../../src/kernel/binding.js';
import { describeError } from './describe-error.js';
import { perform } from './perform.js';

const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const IPCTNL_MSG_CT_GET = 0x101;
const IPCTNL_MSG_CT_DELETE = 0x102;
const NFQNL_MSG_CONFIG = 0x302;
const NFQA_CFG_CMD = 1;
const NLMSGERR_ATTR_MSG = 1;
const AF_INET = 2;
const HEADERS = 20;
const RESPONSE_BYTES = 1 << 20;

interface Request {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly attributes?: readonly { type: number; value: Buffer }[];
}

function encode({ type, flags, sequence, attributes = [] }: Request): Buffer {
  const header = Buffer.alloc(HEADERS);
  const body = attributes.map((attribute) => {
    const bytes = Buffer.alloc((4 + attribute.value.length + 3) & ~3);
    writeHostUint16(bytes, 0, 4 + attribute.value.length);
    writeHostUint16(bytes, 2, attribute.type);
    attribute.value.copy(bytes, 4);
    return bytes;
  });
  const message = Buffer.concat([header, ...body]);
  writeHostUint32(message, 0, message.length);
  writeHostUint16(message, 4, type);
  writeHostUint16(message, 6, flags | NLM_F_REQUEST);
  writeHostUint32(message, 8, sequence);
  message.writeUInt8(AF_INET, 16);
  return message;
}

interface Message {
  readonly type: number;
  readonly sequence: number;
  readonly portId: number;
  /** The error of NLMSG_ERROR: 0 or a negative errno. */
  readonly error?: number;
  /** The text of an extended acknowledgement. */
  readonly text?: string;
}

function decode(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; at += (readHostUint32(bytes, at) + 3) & ~3) {
    const message = bytes.subarray(at, at + readHostUint32(bytes, at));
    const type = readHostUint16(message, 4);
    messages.push({
      type,
      sequence: readHostUint32(message, 8),
      portId: readHostUint32(message, 12),
      ...(type === NLMSG_ERROR ? { error: readHostInt32(message, 16), ...textOf(message) } : {}),
    });
  }
  return messages;
}

/** With NETLINK_CAP_ACK only the request's header is echoed: attributes begin after it. */
function textOf(message: Buffer): { text?: string } {
  const attributesAt = 16 + 4 + 16;
  if (message.length <= attributesAt) return {};
  if (readHostUint16(message, attributesAt + 2) !== NLMSGERR_ATTR_MSG) return {};
  const length = readHostUint16(message, attributesAt);
  return { text: message.toString('latin1', attributesAt + 4, attributesAt + length - 1) };
}

const open = (): NativeRequestSocket => {
  const { RequestSocket } = loadBinding();
  return new RequestSocket();
};

function transact(socket: NativeRequestSocket, ...requests: readonly Request[]): Message[] {
  const response = Buffer.alloc(RESPONSE_BYTES);
  return decode(response.subarray(0, socket.transact(Buffer.concat(requests.map(encode)), response)));
}

/** Deletes all entries; acknowledged even if there are none. */
const flush = (sequence: number): Request => ({ type: IPCTNL_MSG_CT_DELETE, flags: NLM_F_ACK, sequence });
const dump = (sequence: number): Request => ({ type: IPCTNL_MSG_CT_GET, flags: NLM_F_DUMP, sequence });
/** A one-byte command, although the kernel's policy requires four bytes. */
const malformed = (sequence: number): Request => ({
  type: NFQNL_MSG_CONFIG,
  flags: NLM_F_ACK,
  sequence,
  attributes: [{ type: NFQA_CFG_CMD, value: Buffer.of(1) }],
});

await perform({
  'an acknowledgement': () => {
    const socket = open();
    const messages = transact(socket, flush(7));
    return { messages, portId: socket.portId };
  },

  'an error with a text': () => transact(open(), malformed(8)),

  'several messages in one request': () => transact(open(), flush(1), malformed(2), flush(3)),

  'a dump': (connections) => {
    const messages = transact(open(), dump(9));
    return {
      connections: messages.filter(({ type }) => type === 0x100).length === connections,
      last: messages.at(-1)?.type === NLMSG_DONE,
      sequences: [...new Set(messages.map(({ sequence }) => sequence))],
    };
  },

  'a response that is too small': (length) => {
    const socket = open();
    const errors = [Number(length), 0].map((room) =>
      describeError(() => socket.transact(encode(dump(1)), Buffer.alloc(room))),
    );
    return { errors, next: transact(socket, flush(2)) };
  },

  'a response that fits exactly': () => {
    const socket = open();
    const length = socket.transact(encode(flush(1)), Buffer.alloc(RESPONSE_BYTES));
    return [length, socket.transact(encode(flush(1)), Buffer.alloc(length))];
  },

  'only the view of the response is written': () => {
    const whole = Buffer.alloc(200, 0xaa);
    open().transact(encode(flush(1)), whole.subarray(50, 150));
    return [...whole.subarray(0, 50), ...whole.subarray(150)].every((byte) => byte === 0xaa);
  },

  'a request that is too long': () =>
    describeError(() => open().transact(Buffer.alloc(8 << 20), Buffer.alloc(64))),

  'without permission': () => {
    process.setuid?.(65_534);
    return transact(open(), flush(1));
  },

  'after the end': () => {
    const socket = open();
    socket.close();
    return describeError(() => socket.transact(encode(flush(1)), Buffer.alloc(64)));
  },
});
