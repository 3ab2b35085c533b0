/**
 * Explains why a queue could not be bound, with a remedy. The kernel returns EPERM both to a process without
 * CAP_NET_ADMIN and for a queue that another socket holds (nfnetlink_queue.c `nfqnl_recv_config`); looking up the
 * queue's owner distinguishes the two.
 *
 * @module
 */
import { MissingError, NotPermittedError, type ConntrackFtpError } from '../errors.js';
import type { NativeError } from './binding.js';
import { systemCallError } from './native-error.js';
import { hasNetAdmin, NET_ADMIN_REMEDY } from './capability.js';
import { findQueueOwner, formatQueueOwner } from './inspect/queue-owner.js';

/** `procRoot`: mount point of the proc file system. */
export function explainQueueError(queue: number, error: NativeError, procRoot = '/proc'): ConntrackFtpError {
  switch (error.code) {
    case 'EPERM':
    case 'EACCES':
    case 'EBUSY':
    case 'EEXIST':
      return takenOrNotPermitted(queue, error, procRoot);
    case 'EPROTONOSUPPORT':
    case 'EAFNOSUPPORT':
      return new MissingError('the kernel has no netfilter netlink sockets (CONFIG_NETFILTER_NETLINK)', {
        remedy: 'load it with `modprobe nfnetlink`, or run on a kernel that has it',
        cause: error,
      });
    case 'EINVAL':
    case 'EOPNOTSUPP':
    case 'ENOPROTOOPT':
      return new MissingError('the kernel has no NFQUEUE (CONFIG_NETFILTER_NETLINK_QUEUE)', {
        remedy: 'load it with `modprobe nfnetlink_queue`, or run on a kernel that has it',
        cause: error,
      });
    default:
      return systemCallError(error);
  }
}

function takenOrNotPermitted(queue: number, error: NativeError, procRoot: string): ConntrackFtpError {
  const owner = findQueueOwner(queue, procRoot);
  const permitted = hasNetAdmin(procRoot);
  if (owner !== undefined && permitted !== false) {
    return new MissingError(`queue ${queue} is taken by ${formatQueueOwner(owner)}`, {
      remedy: 'stop that process, or choose another queue with --queue, also in the ruleset',
      cause: error,
    });
  }
  if (permitted !== true) {
    return new NotPermittedError(`not permitted to bind queue ${queue}: CAP_NET_ADMIN is missing`, {
      remedy: NET_ADMIN_REMEDY,
      cause: error,
    });
  }
  if (error.code === 'EBUSY' || error.code === 'EEXIST') {
    return new MissingError(`queue ${queue} is taken by another process`, {
      remedy: 'choose another queue with --queue, also in the ruleset',
      cause: error,
    });
  }
  return new NotPermittedError(
    `not permitted to bind queue ${queue}: the kernel refused although the process has CAP_NET_ADMIN`,
    { remedy: 'run in the user namespace that owns this network namespace', cause: error },
  );
}
