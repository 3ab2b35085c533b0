/**
 * FTP servers and clients see an `/etc` and a `/run` of their own. An installed FTP server, PAM, TCP wrappers, a user's
 * `.netrc` and the like change nothing in the lab, and the lab's servers leave no sockets in the host's `/run`.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import type { Command } from './command.js';

/** All of the lab's `/etc`: `nobody` and `daemon` exist and may log in, names are resolved from files only. */
const ETC = fileURLToPath(new URL('etc', import.meta.url));

/**
 * `ip netns exec` has already made a mount namespace and cut it off from the host's. `$0` is `ETC`. The files are copied,
 * because users without privileges read them, and a checkout may be closed to those.
 */
const SCRIPT = [
  'mount -t tmpfs -o mode=755 lab /etc',
  'install -m 644 "$0"/* /etc',
  'mount -t tmpfs -o mode=755 lab /run',
  'export HOME=/run',
  'exec "$@"',
].join(' && ');

/** The command line that runs `command` with files of its own, in a namespace that `Namespace.enter` enters. */
export const withOwnFiles = (command: Command): Command => ['sh', '-c', SCRIPT, ETC, ...command];
