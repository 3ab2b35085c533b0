/**
 * Checks what this kernel and host support; each check gives a finding with evidence and remedy. Nothing is changed
 * permanently: trial objects are deleted immediately, and no packet is sent.
 *
 * @module
 */
import { ConntrackFtpError } from '../../errors.js';
import { probeCarrierHelper, probeCarrierHelpers } from './carrier-helper.js';
import type { NativeBinding } from '../binding.js';
import { inspectConntrack } from './conntrack-probe.js';
import { inspectSysctls } from './conntrack-sysctl.js';
import { ERRNO, errnoName } from '../errno.js';
import { missing, ok, warning, type Finding } from './finding.js';
import { NetlinkSocket } from '../netlink-socket.js';
import { hasNetAdmin, NET_ADMIN_REMEDY } from '../capability.js';
import { findQueueOwner, formatQueueOwner } from './queue-owner.js';
import { probeQueue } from './queue-probe.js';

/** What to inspect. */
export interface InspectionOptions {
  /** The NFQUEUE number to check; the first one if there are several workers. */
  readonly queue: number;
  /** Number of consecutive queues; default 1. */
  readonly workers?: number;
  /** The carrier helper to check; `undefined`: the known candidates. */
  readonly anchor?: string;
  /** Mount point of the proc file system. */
  readonly procRoot?: string;
}

/** Returns all findings; each one depends only on earlier ones. */
export function inspectCapabilities(binding: NativeBinding, options: InspectionOptions): readonly Finding[] {
  const procRoot = options.procRoot ?? '/proc';
  const findings = [inspectNetAdmin(procRoot)];
  let socket: NetlinkSocket;
  try {
    socket = NetlinkSocket.open(binding);
  } catch (error) {
    if (!(error instanceof ConntrackFtpError)) throw error;
    return [...findings, noNetlink(error.message)];
  }
  findings.push(ok('netlink', 'a netfilter netlink socket can be opened'));
  try {
    findings.push(...inspectOverNetlink(socket, options, procRoot));
  } finally {
    socket.close();
  }
  return [...findings, ...inspectSysctls(procRoot)];
}

function inspectNetAdmin(procRoot: string): Finding {
  const has = hasNetAdmin(procRoot);
  if (has === true) return ok('net-admin', 'the process has CAP_NET_ADMIN');
  const evidence =
    has === false ? 'the process lacks CAP_NET_ADMIN' : `${procRoot}/self/status cannot be read`;
  return missing('net-admin', evidence, NET_ADMIN_REMEDY);
}

const noNetlink = (why: string): Finding =>
  missing(
    'netlink',
    `no netfilter netlink socket can be opened (${why})`,
    'load the module with `modprobe nfnetlink`, or use a kernel with CONFIG_NETFILTER_NETLINK',
  );

function inspectOverNetlink(
  socket: NetlinkSocket,
  options: InspectionOptions,
  procRoot: string,
): readonly Finding[] {
  const conntrack = inspectConntrack(socket);
  const usable = conntrack.every(({ level }) => level !== 'missing');
  return [
    ...inspectQueue(socket, options, procRoot),
    ...conntrack,
    ...(usable
      ? [inspectCarrierHelper(socket, 4, options.anchor), inspectCarrierHelper(socket, 6, options.anchor)]
      : []),
  ];
}

function inspectQueue(
  socket: NetlinkSocket,
  wanted: InspectionOptions,
  procRoot: string,
): readonly Finding[] {
  const probe = probeQueue(socket, procRoot);
  if (probe.bind !== 0) {
    const why = errnoName(probe.bind);
    const remedy =
      probe.bind === ERRNO.EPERM
        ? NET_ADMIN_REMEDY
        : 'load the module with `modprobe nfnetlink_queue`, or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE';
    return [missing('nfqueue', `the kernel refused to bind queue ${probe.queue} (${why})`, remedy)];
  }
  return [
    ok('nfqueue', `a queue can be bound (tested with queue ${probe.queue})`),
    probe.failOpen === 0
      ? ok('nfqueue-fail-open', 'a full queue can accept packets instead of dropping them')
      : warning(
          'nfqueue-fail-open',
          `a full queue drops packets (${errnoName(probe.failOpen)})`,
          'use Linux 3.6 or later',
        ),
    probe.conntrack === 0
      ? ok('nfqueue-conntrack', 'queued packets can include their connection (not needed)')
      : ok(
          'nfqueue-conntrack',
          `queued packets do not include their connection (${errnoName(probe.conntrack)}); ctnetlink is queried instead`,
        ),
    inspectQueueOwners(wanted, procRoot),
  ];
}

function inspectQueueOwners({ queue, workers = 1 }: InspectionOptions, procRoot: string): Finding {
  const queues = Array.from({ length: workers }, (_, at) => queue + at);
  const owner = queues.map((number) => findQueueOwner(number, procRoot)).find((one) => one !== undefined);
  if (owner === undefined) {
    return ok('queue', workers === 1 ? `queue ${queue} is free` : `queues ${queues.join(', ')} are free`);
  }
  return warning(
    'queue',
    `queue ${owner.queue} is taken by ${formatQueueOwner(owner)}`,
    'stop that process, or choose another queue with --queue, also in the ruleset',
  );
}

function inspectCarrierHelper(socket: NetlinkSocket, family: 4 | 6, wanted: string | undefined): Finding {
  const id = `anchor-ipv${family}` as const;
  const probes =
    wanted === undefined ? probeCarrierHelpers(socket, family) : [probeCarrierHelper(socket, wanted, family)];
  const usable = probes.find((probe) => probe.usable);
  if (usable !== undefined) return ok(id, usable.evidence);
  return missing(
    id,
    probes.map(({ evidence }) => evidence).join('; '),
    'load one with `modprobe nf_conntrack_sane`, or use a kernel with CONFIG_NF_CONNTRACK_SANE',
  );
}
