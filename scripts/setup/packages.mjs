/**
 * Debian packages: which purpose needs which, and installing missing ones.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { quietly, SetupError } from './step.mjs';

/** Needed to build the addon. */
const TO_BUILD = ['cmake', 'g++', 'make', 'pkg-config', 'libmnl-dev', 'libuv1-dev'];
/** Needed for namespaces, firewalls and observing them. */
const FOR_NAMESPACES = ['iproute2', 'iptables', 'nftables', 'conntrack', 'procps', 'kmod'];
const CLIENTS = ['curl', 'lftp', 'ncftp', 'tnftp'];
/** Tests against Debian's own kernel run it in an emulated machine. */
const FOR_SECOND_KERNEL = ['qemu-system-x86', 'busybox-static', 'cpio'];

/** Needed to build the programs that the daemon is compared with. */
const FOR_COMPARISON = ['libnetfilter-queue-dev', 'libnetfilter-conntrack-dev', 'python3'];

export const BENCH_PACKAGES = [...TO_BUILD, ...FOR_NAMESPACES, ...FOR_COMPARISON];
export const DEMO_PACKAGES = [...TO_BUILD, ...FOR_NAMESPACES, 'curl'];
export const TEST_PACKAGES = [
  ...TO_BUILD,
  ...FOR_NAMESPACES,
  ...CLIENTS,
  ...FOR_SECOND_KERNEL,
  ...FOR_COMPARISON,
  ...['clang-format', 'clang-tidy', 'ethtool', 'openssl', 'python3-pyftpdlib', 'tcpdump', 'tshark'],
];

/**
 * Installs those of `packages` that are missing, and answers what was done. Where we may not, throws with the
 * command that would.
 *
 * @param {readonly string[]} packages
 * @returns {string}
 */
export function installPackages(packages) {
  const missing = missingPackages(packages);
  if (missing.length === 0) return 'all present';
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `These packages are missing. As root, run:\n  apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  try {
    aptInstall(missing);
  } catch {
    // The package lists may be missing or older than the mirror.
    updateLists();
    aptInstall(missing);
  }
  return `installed ${missing.join(' ')}`;
}

/** Updates the package lists. */
export const updateLists = () => quietly(['apt-get', 'update']);

/** @param {readonly string[]} packages */
const aptInstall = (packages) =>
  quietly(
    ['apt-get', 'install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages],
    { env: { DEBIAN_FRONTEND: 'noninteractive' } },
  );

/**
 * @param {readonly string[]} packages
 * @returns {string[]}
 */
function missingPackages(packages) {
  // The exit code is 1 if any package is unknown; known ones are printed anyway.
  const query = ['-W', '-f', '${db:Status-Abbrev}${Package}\n', ...packages];
  const { stdout, error } = spawnSync('dpkg-query', query, { encoding: 'utf8' });
  if (error) throw new SetupError('This set-up needs Debian: dpkg-query was not found.');
  const installed = new Set(stdout.split('\n').filter((line) => line.startsWith('ii ')));
  return packages.filter((name) => !installed.has(`ii ${name}`));
}
