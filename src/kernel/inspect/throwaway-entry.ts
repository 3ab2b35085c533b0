/**
 * Temporary conntrack entries for probes: created over ctnetlink between documentation addresses (RFC 5737, RFC
 * 3849) and deleted right after. No packet is sent, and no connection is touched.
 *
 * @module
 */
import { writeConntrack } from '../../wire/conntrack.js';
import { MESSAGE_FLAGS } from '../../wire/netlink.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../../wire/nfnetlink.js';
import { IP_PROTOCOL_TCP } from '../../wire/ip.js';
import { invertTuple, type Tuple } from '../../wire/tuple.js';
import { ConntrackTable } from '../conntrack-table.js';
import { ERRNO } from '../errno.js';
import { malformed, type NetlinkAnswer, type NetlinkSocket } from '../netlink-socket.js';

const CLIENT = {
  4: Uint8Array.of(192, 0, 2, 1),
  6: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
} as const;
const SERVER = {
  4: Uint8Array.of(192, 0, 2, 2),
  6: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
} as const;
const FTP_PORT = 21;

/** A connection between documentation addresses, which no host has. */
export const documentationTuple = (family: 4 | 6, sourcePort: number): Tuple => ({
  source: CLIENT[family],
  sourcePort,
  destination: SERVER[family],
  destinationPort: FTP_PORT,
});

/** Two simultaneous inspections may collide on a port; the later one takes the next port. */
const FIRST_PORT = 61000;
const PORTS = 16;
/** Seconds after which the entry expires by itself if this process dies before deleting it. */
const TIMEOUT = 5;
const OPERATION = 'make a throw-away connection tracking entry';

/** Runs `ask` with an entry that has `helper`, if one is given. Returns the result, or the errno of the refusal. */
export function withThrowawayEntry<T>(
  socket: NetlinkSocket,
  family: 4 | 6,
  helper: string | undefined,
  ask: (tuple: Tuple) => T,
): { readonly made: true; readonly answer: T } | { readonly made: false; readonly errno: number } {
  let errno = 0;
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port += 1) {
    const tuple = documentationTuple(family, port);
    ({ errno } = make(socket, family, tuple, helper));
    if (errno === 0) return { made: true, answer: askThenRemove(socket, tuple, ask) };
    if (errno !== ERRNO.EEXIST) break;
  }
  return { made: false, errno };
}

function make(socket: NetlinkSocket, family: 4 | 6, tuple: Tuple, helper: string | undefined): NetlinkAnswer {
  const flags = MESSAGE_FLAGS.create | MESSAGE_FLAGS.exclusive;
  const writer = socket.request(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.new, flags, addressFamily(family));
  writeConntrack(writer, {
    protocol: IP_PROTOCOL_TCP,
    original: tuple,
    reply: invertTuple(tuple),
    timeout: TIMEOUT,
    ...(helper === undefined ? {} : { helper }),
  });
  const [answer] = socket.transact(OPERATION);
  if (answer === undefined) throw malformed(OPERATION, 'no answer');
  return answer;
}

function askThenRemove<T>(socket: NetlinkSocket, tuple: Tuple, ask: (tuple: Tuple) => T): T {
  try {
    return ask(tuple);
  } finally {
    new ConntrackTable(socket).remove(tuple);
  }
}
