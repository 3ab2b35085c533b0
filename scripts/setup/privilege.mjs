/**
 * Network namespaces need root, or a user namespace in which an ordinary user is root.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';

/** The servers switch to other users, so one user is not enough: `--map-auto` maps those of /etc/subuid. */
const NAMESPACES = ['--user', '--map-root-user', '--map-auto', '--net', '--mount'];
/** `ip netns` keeps its names in /run, and the host's /run is not writable. */
const INSIDE = 'mount -t tmpfs tmpfs /run && exec "$@"';

/**
 * The command line that runs `command` with what it needs: as it is for root, else in namespaces of its own.
 * Where there is no way, says why, and what to do.
 *
 * @param {readonly string[]} command
 * @returns {readonly string[] | undefined} undefined where there is no way
 */
export function privileged(command) {
  if (process.getuid?.() === 0) return command;
  const enter = ['unshare', ...NAMESPACES, 'sh', '-c', INSIDE, 'sh'];
  const probe = spawnSync('unshare', [...enter.slice(1), 'true'], { encoding: 'utf8' });
  if (probe.status === 0) return [...enter, ...command];
  console.error(`
This makes network namespaces and runs FTP servers in them. It takes root, or a user namespace of many users, and
that could not be had: ${(probe.error?.message ?? probe.stderr).trim()}
  Run it as root, or let this user have such a namespace: install the package uidmap, give the user a range in
  /etc/subuid and /etc/subgid, and set sysctl kernel.unprivileged_userns_clone=1.`);
  return undefined;
}
