/**
 * Probes for a carrier helper. The kernel accepts an expectation only for a connection that has a connection
 * tracking helper. Any registered TCP helper will do, so the ruleset attaches one that ignores FTP text. Which
 * helpers the running kernel has, and whether they can carry expectations, is probed; version numbers do not tell.
 *
 * @module
 */
import { writeExpectation } from '../../wire/expectation.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../../wire/nfnetlink.js';
import { MESSAGE_FLAGS } from '../../wire/netlink.js';
import type { Tuple } from '../../wire/tuple.js';
import { ERRNO, errnoName } from '../errno.js';
import type { NetlinkSocket } from '../netlink-socket.js';
import { withThrowawayEntry } from './throwaway-entry.js';

/** Best first, ordered by what each helper does with FTP text. */
export const CARRIER_HELPER_CANDIDATES = [
  { helper: 'sane', why: 'looks only at binary requests of exactly 8 bytes' },
  { helper: 'pptp', why: 'looks only for the magic number of PPTP; IPv4 only' },
  { helper: 'irc', why: 'copies client data under a global lock, looks for DCC offers; IPv4 only' },
  { helper: 'Q.931', why: 'copies data under a global lock, looks for H.323 headers' },
] as const;

/** The result of probing one helper in one address family. */
export interface CarrierHelperProbe {
  readonly helper: string;
  readonly family: 4 | 6;
  readonly usable: boolean;
  /** The test and the kernel's answer, as a sentence. */
  readonly evidence: string;
}

/** Probes whether a connection of `family` with `helper` can have an expectation. */
export function probeCarrierHelper(socket: NetlinkSocket, helper: string, family: 4 | 6): CarrierHelperProbe {
  const expected = withThrowawayEntry(socket, family, helper, (tuple) => expectOnce(socket, family, tuple));
  if (!expected.made) {
    return { helper, family, usable: false, evidence: explainNoEntry(helper, family, expected.errno) };
  }
  const usable = expected.answer === 0;
  const evidence = usable
    ? `the kernel accepts expectations for IPv${family} connections that carry the helper ${helper}`
    : `the kernel refuses expectations for IPv${family} connections that carry the helper ${helper} (${errnoName(expected.answer)})`;
  return { helper, family, usable, evidence };
}

/** Probes the candidates for `family`, best first, until one is usable. */
export function probeCarrierHelpers(socket: NetlinkSocket, family: 4 | 6): readonly CarrierHelperProbe[] {
  const probes: CarrierHelperProbe[] = [];
  for (const { helper } of CARRIER_HELPER_CANDIDATES) {
    const probe = probeCarrierHelper(socket, helper, family);
    probes.push(probe);
    if (probe.usable) break;
  }
  return probes;
}

/** Creates an expectation for the connection `master` and deletes it. Returns the errno of the creation, or 0. */
function expectOnce(socket: NetlinkSocket, family: 4 | 6, master: Tuple): number {
  const tuple = {
    source: master.destination,
    sourcePort: 0,
    destination: master.source,
    destinationPort: master.sourcePort,
  };
  const request = (message: number, flags: number): ReturnType<NetlinkSocket['request']> =>
    socket.request(SUBSYSTEMS.expectation, message, flags, addressFamily(family));
  const create = MESSAGE_FLAGS.create | MESSAGE_FLAGS.exclusive;
  writeExpectation(request(CTNETLINK_MESSAGES.new, create), { master, tuple, sourcePortMask: 0 });
  writeExpectation(request(CTNETLINK_MESSAGES.delete, 0), { tuple });
  const [made] = socket.transact('probe a carrier helper');
  return made?.errno ?? 0;
}

function explainNoEntry(helper: string, family: 4 | 6, errno: number): string {
  return errno === ERRNO.EOPNOTSUPP
    ? `the kernel has no TCP helper ${helper} for IPv${family}`
    : `the kernel refuses an IPv${family} test entry with the helper ${helper} (${errnoName(errno)})`;
}
