/**
 * Probes ctnetlink: connection tracking entries, expectations and connmarks. Uses throw-away entries.
 *
 * @module
 */
import { writeConntrack } from '../../wire/conntrack.js';
import { writeExpectation } from '../../wire/expectation.js';
import { ADDRESS_FAMILIES, CTNETLINK_MESSAGES, SUBSYSTEMS, type Subsystem } from '../../wire/nfnetlink.js';
import type { NetlinkWriter } from '../../wire/netlink-writer.js';
import { ConntrackTable } from '../conntrack-table.js';
import { ERRNO, errnoName } from '../errno.js';
import { missing, ok, warning, type Finding } from './finding.js';
import { malformed, type NetlinkSocket } from '../netlink-socket.js';
import { NET_ADMIN_REMEDY } from '../capability.js';
import { documentationTuple, withThrowawayEntry } from './throwaway-entry.js';

const LOAD_CTNETLINK =
  'load the module with `modprobe nf_conntrack_netlink`, or use a kernel with CONFIG_NF_CT_NETLINK';
const OPERATION = 'probe connection tracking';
/** The kernel has no such connection: ENOENT proves that ctnetlink works. */
const NO_CONNECTION = documentationTuple(4, 1);

/**
 * Returns findings about connection tracking entries and expectations and, if both are available, about connmarks.
 * Throws the errors of `NetlinkSocket.transact`.
 */
export function inspectConntrack(socket: NetlinkSocket): readonly Finding[] {
  writeConntrack(requestGet(socket, SUBSYSTEMS.conntrack), { original: NO_CONNECTION });
  writeExpectation(requestGet(socket, SUBSYSTEMS.expectation), { tuple: NO_CONNECTION });
  const [conntrack, expectation] = socket.transact(OPERATION);
  if (conntrack === undefined || expectation === undefined) throw malformed(OPERATION, 'no answer');
  const findings = [
    subsystemFinding('conntrack', 'connection tracking', conntrack.errno),
    subsystemFinding('expectation', 'expectation', expectation.errno),
  ];
  return findings.every(({ level }) => level === 'ok') ? [...findings, inspectConnmark(socket)] : findings;
}

function requestGet(socket: NetlinkSocket, subsystem: Subsystem): NetlinkWriter {
  return socket.request(subsystem, CTNETLINK_MESSAGES.get, 0, ADDRESS_FAMILIES.ipv4);
}

/** ENOENT: the kernel searched and found nothing. EINVAL: it does not know the subsystem. */
function subsystemFinding(id: 'conntrack' | 'expectation', what: string, errno: number): Finding {
  if (errno === 0 || errno === ERRNO.ENOENT) return ok(id, `ctnetlink answers ${what} queries`);
  if (errno === ERRNO.EPERM) {
    return missing(id, `this process may not send ${what} queries (EPERM)`, NET_ADMIN_REMEDY);
  }
  return missing(id, `ctnetlink does not answer ${what} queries (${errnoName(errno)})`, LOAD_CTNETLINK);
}

function inspectConnmark(socket: NetlinkSocket): Finding {
  const table = new ConntrackTable(socket);
  const marked = withThrowawayEntry(socket, 4, undefined, (tuple) => {
    table.setMark(tuple, 0xff00, 0x0f00);
    return table.find(tuple)?.mark;
  });
  if (marked.made && marked.answer === 0x0f00) return ok('connmark', 'single connmark bits can be set');
  const why = marked.made ? `read back as ${marked.answer ?? 'nothing'}` : errnoName(marked.errno);
  return warning(
    'connmark',
    `ctnetlink cannot set a connmark (${why}): encrypted connections stay in the queue`,
    'use a kernel with CONFIG_NF_CONNTRACK_MARK',
  );
}
