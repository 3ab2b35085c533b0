/**
 * Network namespaces named after the process that owns them, so that leftovers of a killed test can be told from
 * namespaces in use. The namespace of the tests themselves is never changed.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { run, runChecked, type Command, type CommandOptions, type Completed } from './command.js';
import { waitFor } from './condition.js';
import { labEnvironment } from './environment.js';
import { RunningProcess, type RunningProcessOptions } from './running-process.js';

const NAME_PREFIX = 'cftp';
const NAME_PATTERN = /^cftp-(\d+)-[0-9a-f]{6}-/;
/** Where iproute2 keeps a file for each named namespace. */
const NAMESPACE_FOLDER = '/run/netns';

/** Longer than `tcp_fin_timeout`, after which a host forgets a connection of which the other end says nothing more. */
const QUIET_WITHIN_MS = 70_000;

/**
 * A new namespace copies the IPv4 parameters of the host's interfaces (`devinet_init_net` of net/ipv4/devinet.c). These are
 * the kernel's defaults of those that decide what is forwarded, answered and delivered.
 */
const IPV4_DEFAULTS = {
  ...{ rp_filter: 0, accept_local: 0, route_localnet: 0, src_valid_mark: 0, log_martians: 0 },
  ...{ arp_filter: 0, arp_announce: 0, arp_ignore: 0, drop_gratuitous_arp: 0 },
  ...{ accept_redirects: 1, secure_redirects: 1, send_redirects: 1, shared_media: 1 },
} as const;

const USUAL_PARAMETERS = {
  'net.ipv4.ip_forward': '0',
  ...Object.fromEntries(
    ['all', 'default', 'lo'].flatMap((device) =>
      Object.entries(IPV4_DEFAULTS).map(([name, value]) => [
        `net.ipv4.conf.${device}.${name}`,
        String(value),
      ]),
    ),
  ),
  'net.ipv6.conf.all.disable_ipv6': '0',
  'net.ipv6.conf.default.disable_ipv6': '0',
  // Duplicate address detection would hold back the first packets of each link for a second.
  'net.ipv6.conf.default.accept_dad': '0',
};

const assignments = (parameters: Readonly<Record<string, string>>): string[] =>
  Object.entries(parameters).map(([name, value]) => `${name}=${value}`);

export class Namespace {
  /** `cftp-PID-RANDOM-LABEL` */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes a namespace with its loopback up. `label` names its host: `client`, `gateway`. */
  static async create(label: string): Promise<Namespace> {
    const name = `${NAME_PREFIX}-${process.pid}-${randomBytes(3).toString('hex')}-${label}`;
    await runChecked(['ip', 'netns', 'add', name]);
    const namespace = new Namespace(name);
    await namespace.setParameters(USUAL_PARAMETERS);
    await namespace.configure(['link set lo up']);
    return namespace;
  }

  /** The command line that runs `command` inside. The process that this starts is `command` itself. */
  enter(command: Command): Command {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }

  async run(command: Command, options?: CommandOptions): Promise<Completed> {
    return run(this.enter(command), { environment: labEnvironment(), ...options });
  }

  /** Runs `command` inside and returns its standard output; throws if it fails. */
  async runChecked(command: Command, options?: CommandOptions): Promise<string> {
    return runChecked(this.enter(command), { environment: labEnvironment(), ...options });
  }

  async spawn(command: Command, options?: RunningProcessOptions): Promise<RunningProcess> {
    return RunningProcess.start(this.enter(command), { environment: labEnvironment(), ...options });
  }

  /** Runs iproute2 commands without their leading `ip`, all in one go. */
  async configure(lines: readonly string[]): Promise<void> {
    await runChecked(['ip', '-netns', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Sets kernel parameters of this namespace, `net.ipv4.ip_forward` to `1`. */
  async setParameters(parameters: Readonly<Record<string, string>>): Promise<void> {
    await this.runChecked(['sysctl', '-qw', ...assignments(parameters)]);
  }

  /** Like `setParameters`, but ignores parameters that this kernel does not have. */
  async setKnownParameters(parameters: Readonly<Record<string, string>>): Promise<void> {
    await this.runChecked(['sysctl', '--ignore', '-qw', ...assignments(parameters)]);
  }

  /** Joins this namespace and `other` by a veth pair: `here` is the interface on this side, `there` on the other. */
  async connect(here: string, other: Namespace, there: string): Promise<void> {
    await this.configure([`link add ${here} type veth peer name ${there} netns ${other.name}`]);
  }

  /**
   * Has packets that come to `device` handled in the order in which they were sent, whichever processors sent them: all
   * by the first processor (receive packet steering), where else those of a busy processor are overtaken.
   */
  async keepOrder(device: string): Promise<void> {
    const steering = `/sys/class/net/${device}/queues/rx-0/rps_cpus`;
    await this.runChecked(['tee', steering], { input: '1' });
  }

  /** Waits until no TCP connection of a host inside has anything left to send. */
  async untilQuiet(): Promise<void> {
    await waitFor(
      `the connections in ${this.name} to end`,
      async () => {
        const sockets = await this.runChecked([
          'ss',
          '-Htan',
          'exclude',
          'listening',
          'exclude',
          'time-wait',
        ]);
        return sockets === '';
      },
      QUIET_WITHIN_MS,
    );
  }

  /** Ends every process inside and removes the namespace. Removing it again does nothing. */
  async remove(): Promise<void> {
    if (!existsSync(`${NAMESPACE_FOLDER}/${this.name}`)) return;
    await waitFor(`the processes in ${this.name} to end`, () => killProcessesInside(this.name) === 0);
    await runChecked(['ip', 'netns', 'del', this.name]);
  }

  /** For the last moments of our own process: as `remove`, without waiting and without complaint. */
  removeNow(): void {
    discard(this.name);
  }
}

/** Removes the namespaces of our naming whose process is gone. */
export function sweepLeftovers(): void {
  for (const name of existsSync(NAMESPACE_FOLDER) ? readdirSync(NAMESPACE_FOLDER) : []) {
    const owner = NAME_PATTERN.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) discard(name);
  }
}

function discard(name: string): void {
  killProcessesInside(name);
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
}

/** Kills what runs in the namespace `name`; returns the number of its processes. */
function killProcessesInside(name: string): number {
  const listing = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  const pids = listing.stdout.split('\n').filter((line) => line !== '');
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself since it was listed.
    }
  }
  return pids.length;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
