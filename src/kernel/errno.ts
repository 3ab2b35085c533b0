/**
 * Error numbers by name, from Node's own table for this platform (linux/errno.h).
 *
 * @module
 */
import { constants } from 'node:os';

/** Positive numbers by name, `ERRNO.ENOENT`. */
export const ERRNO = constants.errno;

const NAMES = new Map<number, string>();
for (const [name, errno] of Object.entries(ERRNO)) {
  // EAGAIN and EWOULDBLOCK share a number, as do ENOTSUP and EOPNOTSUPP. The kernel's own name is used.
  if (name !== 'EWOULDBLOCK' && name !== 'ENOTSUP') NAMES.set(errno, name);
}

/** `EPERM` for 1; `errno 4711` for a number without a name. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`;
