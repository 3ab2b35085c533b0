/**
 * The recorded conversations with the kernel. Each starts with an empty table in a namespace of its own and returns
 * the result from src/kernel.
 *
 * @module
 */
import { ConntrackTable } from '../../src/kernel/conntrack-table.js';
import { CtnetlinkPinholes } from '../../src/kernel/expectations.js';
import type { NetlinkSocket } from '../../src/kernel/netlink-socket.js';
import type { Pinhole } from '../../src/kernel/pinhole.js';
import { writeConntrack, type ConntrackFields } from '../../src/wire/conntrack.js';
import { ipFamily } from '../../src/wire/ip-address.js';
import { MESSAGE_FLAGS } from '../../src/wire/netlink.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import { helped, pinholeFor } from './control-connection.js';

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];

/** A control connection through a gateway that applies NAT to the client's address. */
export const MASTER: Readonly<Record<Family, Tuple>> = {
  4: tupleOf('10.1.0.2', 40000, '10.2.0.2', 21),
  6: tupleOf('2001:db8:1::2', 40000, '2001:db8:2::2', 21),
};
export const TRANSLATED_REPLY: Readonly<Record<Family, Tuple>> = {
  4: tupleOf('10.2.0.2', 21, '10.2.0.1', 50000),
  6: tupleOf('2001:db8:2::2', 21, '2001:db8:2::1', 50000),
};

export interface Conversation {
  readonly table: ConntrackTable;
  readonly pinholes: CtnetlinkPinholes;
  readonly make: (fields: ConntrackFields) => void;
}

export function converse(socket: NetlinkSocket): Conversation {
  return {
    table: new ConntrackTable(socket),
    pinholes: new CtnetlinkPinholes(socket),
    make: (fields) => {
      const family = addressFamily(ipFamily(fields.original.source));
      const flags = MESSAGE_FLAGS.create | MESSAGE_FLAGS.exclusive;
      writeConntrack(socket.request(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.new, flags, family), fields);
      socket.execute('make an entry');
    },
  };
}

export const translatedPinhole = (family: Family): Pinhole => {
  const pinhole = pinholeFor(MASTER[family], 50000);
  const announced = { ...invertTuple(pinhole.tuple), sourcePort: 40001, destinationPort: 0 };
  return { ...pinhole, nat: { direction: 1, tuple: announced }, lifetime: 60 };
};

export const SCENARIOS = {
  'entry-translated': ({ table, make }: Conversation, family: Family) => {
    make({ ...helped(MASTER[family]), reply: TRANSLATED_REPLY[family], mark: 0xa5 });
    return table.find(TRANSLATED_REPLY[family]);
  },
  'entry-absent': ({ table }: Conversation, family: Family) => table.find(MASTER[family]),
  'entry-marked-in-zone': ({ table, make }: Conversation, family: Family) => {
    make({ ...helped(MASTER[family]), mark: 0xf0, zone: 7 });
    const marked = table.setMark(MASTER[family], 0xff, 0x0f, 7);
    return { marked, mark: table.find(MASTER[family], 7)?.mark, removed: table.remove(MASTER[family], 7) };
  },
  'sequence-adjusted': ({ table, make }: Conversation, family: Family) => {
    make(helped(MASTER[family]));
    const adjustment = { position: 0xfffffff0, offsetBefore: -3, offsetAfter: 2 };
    const outcome = table.adjustSequence(MASTER[family], 'reply', adjustment);
    return { outcome, entry: table.find(MASTER[family]) };
  },
  'pinhole-translated': ({ pinholes, make }: Conversation, family: Family) => {
    make({ ...helped(MASTER[family]), reply: TRANSLATED_REPLY[family] });
    const pinhole = translatedPinhole(family);
    const opened = pinholes.open(pinhole);
    const found = pinholes.find(pinhole.tuple);
    return { opened, found, refreshed: pinholes.open(pinhole), closed: pinholes.close(pinhole) };
  },
  'pinhole-refused': ({ pinholes, make }: Conversation, family: Family) => {
    const pinhole = pinholeFor(MASTER[family], 50000);
    const masterGone = pinholes.open(pinhole);
    const { helper: _, ...plain } = helped(MASTER[family]);
    make(plain);
    return { masterGone, noHelper: pinholes.open(pinhole) };
  },
} as const;
export type ScenarioName = keyof typeof SCENARIOS;

/** The operations during which events are recorded. */
export function provokeEvents({ table, pinholes, make }: Conversation, family: Family): void {
  make({ ...helped(MASTER[family]), reply: TRANSLATED_REPLY[family], mark: 0xa5 });
  pinholes.open(translatedPinhole(family));
  table.remove(MASTER[family]);
}
