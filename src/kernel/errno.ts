/**
 * Error numbers of this machine's kernel by name, from Node's own table (linux/errno.h).
 *
 * @module
 */
import { constants } from 'node:os';

/** Positive numbers by name, `ERRNO.ENOENT`. */
export const ERRNO = constants.errno;

const NAMES = new Map<number, string>();
for (const [name, errno] of Object.entries(ERRNO)) {
  // EAGAIN and EWOULDBLOCK, ENOTSUP and EOPNOTSUPP are pairs of one number: the kernel's own name wins.
  if (name !== 'EWOULDBLOCK' && name !== 'ENOTSUP') NAMES.set(errno, name);
}

/** `EPERM` for 1; a number without a name is told as `errno 4711`. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`;
