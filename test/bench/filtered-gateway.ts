/**
 * A gateway with a stateful packet filter between a client and an FTP server, and who opens the filter for data connections: nobody,
 * the kernel's module, or a reader of the queue. Root or a user namespace: all three are network namespaces.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { loadDaemonRules } from '../lab/daemon.js';
import { filterOf, restoreRules } from '../lab/firewall.js';
import { attachKernelHelper, KERNEL_HELPER } from '../lab/kernel-helper.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import type { RunningProcess } from '../lab/running-process.js';
import { buildTopology, HOST_INTERFACE, type Host, type Topology } from '../lab/topology.js';
import { SERVER_PORT } from './dialogue.js';
import { pathOf, type RunningReader, type StartReader } from './readers.js';

/** What passes by itself, beside what belongs to a connection that passed. */
export type Forwarding = 'control connections' | 'all connections';

/** Prepares who opens the gateway's filter; answers the process that does, where one does. */
export type Open = (laboratory: Laboratory, gateway: Namespace) => Promise<RunningReader | undefined>;

export const openedByNobody: Open = () => Promise.resolve(undefined);

export const openedByKernel: Open = async (_, gateway) => {
  await attachKernelHelper(gateway, [SERVER_PORT]);
  return undefined;
};

/** By a reader of the queue that `conntrack-ftp rules iptables` fills. */
export const openedBy =
  (startReader: StartReader): Open =>
  async (laboratory, gateway) => {
    await loadDaemonRules(gateway, [SERVER_PORT]);
    return startReader(laboratory, gateway);
  };

/** Why `openedByKernel` cannot be here, in the words of iptables; `undefined` where it can. */
export function whyNotByKernel(): string | undefined {
  const rule = ['-A', 'PREROUTING', '-p', 'tcp', '-j', 'CT', '--helper', KERNEL_HELPER];
  const { error, status, stderr } = spawnSync('unshare', ['--net', 'iptables', '--table', 'raw', ...rule], {
    encoding: 'utf8',
  });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim();
}

/** Says it where `openedByKernel` cannot be here: that row is not in the table then. */
export function tellOfKernel(): void {
  const reason = whyNotByKernel();
  if (reason === undefined) return;
  console.log(
    `The in-kernel helper is left out, this kernel has none or does not let it be attached: ${reason}\n`,
  );
}

/** All connections of a trial are from lower ports: the server's, and those for data, are free for who listens. */
const PARAMETERS = { 'net.ipv4.ip_local_port_range': '10000 39999' } as const;
/**
 * Seconds. With the kernel's 120, no connection of a trial would be forgotten before its end: the table would only grow, and what it
 * costs to forget one would not be measured.
 */
const GATEWAY_PARAMETERS = { 'net.netfilter.nf_conntrack_tcp_timeout_time_wait': '1' } as const;

/**
 * As many as the client has at once, each from an address of its own: the daemon has limits for one address, which are none of the
 * benchmark's matter.
 */
export const SESSIONS_AT_ONCE = 16;
export const FILE_BYTES = 1024;
const CLIENTS = Array.from({ length: SESSIONS_AT_ONCE }, (_, at) => `10.1.0.${101 + at}`);

const NEW = '-p tcp -m conntrack --ctstate NEW';
const FILTER: readonly string[] = ['-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'];
const PASSING: Readonly<Record<Forwarding, string>> = {
  'control connections': `-A FORWARD ${NEW} --dport ${SERVER_PORT} -j ACCEPT`,
  'all connections': `-A FORWARD ${NEW} -j ACCEPT`,
};

export interface FilteredGateway {
  readonly client: Host;
  /** Further addresses of the client, which follow each other. */
  readonly clients: readonly string[];
  readonly server: Host;
  /** Process id of the FTP server. */
  readonly serverPid: number;
  readonly reader: RunningReader | undefined;
}

/** Lays it out, has `measure` use it, and takes it away. Throws where the reader did not do all that it was for. */
export async function withFilteredGateway<T>(
  passing: Forwarding,
  open: Open,
  measure: (gateway: FilteredGateway) => Promise<T>,
): Promise<T> {
  const laboratory = new Laboratory();
  try {
    const topology = await buildTopology(laboratory, 'gateway');
    const { client, server, firewall } = topology;
    await setParameters(topology);
    await client.namespace.configure(
      CLIENTS.map((address) => `address add ${address}/32 dev ${HOST_INTERFACE}`),
    );
    await restoreRules(firewall, filterOf([...FILTER, PASSING[passing]]));
    const reader = await open(laboratory, firewall);
    const { pid: serverPid } = await startServer(laboratory, server.namespace);
    const measured = await measure({ client, clients: CLIENTS, server, serverPid, reader });
    await reader?.stop();
    return measured;
  } finally {
    await laboratory.close();
  }
}

async function startServer(laboratory: Laboratory, namespace: Namespace): Promise<RunningProcess> {
  const sizes = [SESSIONS_AT_ONCE, FILE_BYTES].map(String);
  const server = await laboratory.start(namespace, [pathOf('ftp-server'), ...sizes]);
  await server.waitUntil('ready', () => server.stdout.includes('ready'));
  return server;
}

async function setParameters({ client, server, firewall }: Topology): Promise<void> {
  await client.namespace.setParameters(PARAMETERS);
  await server.namespace.setParameters(PARAMETERS);
  await firewall.setParameters(GATEWAY_PARAMETERS);
}
