/**
 * The hosts of the lab: a client and a server, and the firewall between them, on the client or on the server. Addresses are from RFC 1918 and RFC 3849; there is no way out of the namespaces.
 *
 * @module
 */
import { FAMILIES, type AddressPair, type Family } from './family.js';
import type { Laboratory } from './laboratory.js';
import type { Namespace } from './namespace.js';

/** Which host filters, and so which host the daemon runs on. */
export const PLACEMENTS = ['gateway', 'client-host', 'server-host'] as const;
export type Placement = (typeof PLACEMENTS)[number];

export interface Host {
  readonly namespace: Namespace;
  readonly address: AddressPair;
}

export interface Topology {
  readonly placement: Placement;
  readonly client: Host;
  readonly server: Host;
  /** The host that filters: one of the two above, or a third between them. */
  readonly firewall: Namespace;
}

/** Where a link ends: an interface that comes with it. */
export interface Attachment {
  readonly namespace: Namespace;
  readonly device: string;
}

/** Makes a link between `one` and `other`. */
export type Join = (laboratory: Laboratory, one: Attachment, other: Attachment) => Promise<void>;

/** The interface of the only link of a client or a server. */
export const HOST_INTERFACE = 'eth0';

const CLIENT: AddressPair = { 4: '10.1.0.2', 6: '2001:db8:1::2' };
/** Of the gateway, on the client's side. */
export const CLIENT_SIDE: AddressPair = { 4: '10.1.0.1', 6: '2001:db8:1::1' };
const CLIENT_NETWORK: AddressPair = { 4: '10.1.0.0/24', 6: '2001:db8:1::/64' };
const SERVER: AddressPair = { 4: '10.2.0.2', 6: '2001:db8:2::2' };
const SERVER_SIDE: AddressPair = { 4: '10.2.0.1', 6: '2001:db8:2::1' };
const SERVER_NETWORK: AddressPair = { 4: '10.2.0.0/24', 6: '2001:db8:2::/64' };
const PREFIX_LENGTH = { 4: 24, 6: 64 } as const;

/**
 * A server can connect from port 20 to a client's port again although that connection's predecessor is in TIME_WAIT.
 * Clients pick their ports at random, so in hundreds of active transfers some pick one twice. (Without TIME_WAIT at all,
 * the server's kernel would answer a late acknowledgement with a reset, and take back what the client has not read.)
 */
const SERVER_PARAMETERS = { 'net.ipv4.tcp_tw_reuse': '1' } as const;

const FORWARDING = { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '1' } as const;

/** Builds the hosts; the links are perfect unless `join` makes others. */
export async function buildTopology(
  laboratory: Laboratory,
  placement: Placement,
  join: Join = joinDirectly,
): Promise<Topology> {
  const topology = await (placement === 'gateway'
    ? buildWithGateway(laboratory, join)
    : buildTwoHosts(laboratory, placement, join));
  await topology.server.namespace.setParameters(SERVER_PARAMETERS);
  return topology;
}

const joinDirectly: Join = (_, one, other) =>
  one.namespace.connect(one.device, other.namespace, other.device);

async function buildWithGateway(laboratory: Laboratory, join: Join): Promise<Topology> {
  const [client, gateway, server] = await Promise.all([
    laboratory.namespace('client'),
    laboratory.namespace('gateway'),
    laboratory.namespace('server'),
  ]);
  await join(laboratory, attachment(client, HOST_INTERFACE), attachment(gateway, 'inside'));
  await join(laboratory, attachment(server, HOST_INTERFACE), attachment(gateway, 'outside'));
  await Promise.all([
    gateway.configure([...up('inside', CLIENT_SIDE), ...up('outside', SERVER_SIDE)]),
    gateway.setParameters(FORWARDING),
  ]);
  await Promise.all([
    client.configure([...up(HOST_INTERFACE, CLIENT), ...route(SERVER_NETWORK, CLIENT_SIDE)]),
    server.configure([...up(HOST_INTERFACE, SERVER), ...route(CLIENT_NETWORK, SERVER_SIDE)]),
  ]);
  return {
    placement: 'gateway',
    client: { namespace: client, address: CLIENT },
    server: { namespace: server, address: SERVER },
    firewall: gateway,
  };
}

/**
 * Client and server in one network, and a gateway that is the way from one to the other only for those who use its
 * address `published` for the server.
 */
export async function buildOneNetwork(
  laboratory: Laboratory,
  server: AddressPair,
  published: AddressPair,
): Promise<Topology> {
  const [clientHost, gateway, serverHost] = await Promise.all([
    laboratory.namespace('client'),
    laboratory.namespace('gateway'),
    laboratory.namespace('server'),
  ]);
  await clientHost.connect(HOST_INTERFACE, gateway, 'port1');
  await serverHost.connect(HOST_INTERFACE, gateway, 'port2');
  await gateway.configure([
    'link add inside type bridge',
    ...['port1', 'port2'].flatMap((port) => [`link set ${port} master inside`, `link set ${port} up`]),
    ...up('inside', CLIENT_SIDE),
    ...addressesOf('inside', published),
  ]);
  await gateway.setParameters({
    ...FORWARDING,
    'net.ipv4.conf.all.send_redirects': '0',
    'net.ipv4.conf.inside.send_redirects': '0',
  });
  // What the bridge passes from one to the other is none of the gateway's. Absent without the module br_netfilter.
  await gateway.setKnownParameters({
    'net.bridge.bridge-nf-call-iptables': '0',
    'net.bridge.bridge-nf-call-ip6tables': '0',
  });
  await Promise.all([
    clientHost.configure(up(HOST_INTERFACE, CLIENT)),
    serverHost.configure(up(HOST_INTERFACE, server)),
  ]);
  await serverHost.setParameters(SERVER_PARAMETERS);
  return {
    placement: 'gateway',
    client: { namespace: clientHost, address: CLIENT },
    server: { namespace: serverHost, address: server },
    firewall: gateway,
  };
}

async function buildTwoHosts(
  laboratory: Laboratory,
  placement: 'client-host' | 'server-host',
  join: Join,
): Promise<Topology> {
  const [client, server] = await Promise.all([
    laboratory.namespace('client'),
    laboratory.namespace('server'),
  ]);
  await join(laboratory, attachment(client, HOST_INTERFACE), attachment(server, HOST_INTERFACE));
  await Promise.all([
    client.configure([...up(HOST_INTERFACE, CLIENT), ...onLink(SERVER_NETWORK)]),
    server.configure([...up(HOST_INTERFACE, SERVER), ...onLink(CLIENT_NETWORK)]),
  ]);
  return {
    placement,
    client: { namespace: client, address: CLIENT },
    server: { namespace: server, address: SERVER },
    firewall: placement === 'client-host' ? client : server,
  };
}

const attachment = (namespace: Namespace, device: string): Attachment => ({ namespace, device });

const eachFamily = (line: (family: Family) => string): string[] => FAMILIES.map(line);

const addressesOf = (device: string, address: AddressPair): string[] =>
  eachFamily((f) => `address add ${address[f]}/${PREFIX_LENGTH[f]} dev ${device}`);

const up = (device: string, address: AddressPair): string[] => [
  ...addressesOf(device, address),
  `link set ${device} up`,
];

/** No default route: a client that looks up names fails at once instead of waiting for an answer. */
const route = (network: AddressPair, via: AddressPair): string[] =>
  eachFamily((f) => `route add ${network[f]} via ${via[f]}`);

const onLink = (network: AddressPair): string[] =>
  eachFamily((f) => `route add ${network[f]} dev ${HOST_INTERFACE}`);
