/**
 * Shapes of address translation, and scenes that can be given one after the other: for what a gateway forwards, for
 * a client and a server in one network behind it, for a host's own client and its own server.
 *
 * @module
 */
import type { Mode } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import { FAMILIES, type AddressPair, type Family } from '../lab/family.js';
import { restoreRules } from '../lab/firewall.js';
import { DEFAULT_SETTINGS } from '../lab/servers/server.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { buildOneNetwork, CLIENT_SIDE, buildTopology, HOST_INTERFACE, type Join } from '../lab/topology.js';
import { openScene, type Scene } from './scene.js';

export interface Shape {
  readonly name: string;
  /** Rules of the nat table, for both families. */
  readonly rules: readonly string[];
  /** Where the client connects to, if not to the server's own address and port. */
  readonly target?: AddressPair;
  readonly port?: number;
  /** Where the client connects from, if not from its first address. */
  readonly from?: AddressPair;
}

/** Addresses of the gateway for those on either side of it, beside its own. */
const OUTSIDE = ['10.2.0.200/24', '10.2.0.9/24', '2001:db8:2::200/64', '2001:db8:2::9/64'] as const;
const INSIDE = ['10.1.0.100/24', '2001:db8:1::100/64'] as const;
/** The client's, longer in text than what it is translated to. */
const LONG_CLIENT: AddressPair = { 4: '10.1.0.240', 6: '2001:db8:1:0:1234:5678:9abc:def0' };
/** The server's, longer in text than the gateway's on the client's side. */
const LONG_SERVER: AddressPair = { 4: '10.2.0.240', 6: '2001:db8:2:0:1234:5678:9abc:def0' };
const PUBLISHED: AddressPair = { 4: '10.1.0.100', 6: '2001:db8:1::100' };
/** Of a server in the client's network. */
const INNER_SERVER: AddressPair = { 4: '10.1.0.20', 6: '2001:db8:1::20' };
const SECOND_SERVER_ADDRESS: AddressPair = { 4: '10.2.0.100', 6: '2001:db8:2::100' };

const snat = (four: string, six: string): string[] => [
  `-4 -A POSTROUTING -o outside -p tcp -j SNAT --to-source ${four}`,
  `-6 -A POSTROUTING -o outside -p tcp -j SNAT --to-source ${six}`,
];
const DNAT = [
  '-4 -A PREROUTING -i inside -d 10.1.0.100 -p tcp --dport 21 -j DNAT --to-destination 10.2.0.2',
  '-6 -A PREROUTING -i inside -d 2001:db8:1::100 -p tcp --dport 21 -j DNAT --to-destination 2001:db8:2::2',
] as const;
const MASQUERADE = ['-A POSTROUTING -o outside -p tcp -j MASQUERADE'] as const;

export const SHAPES: readonly Shape[] = [
  { name: 'SNAT, longer', rules: snat('10.2.0.200', '2001:db8:2::200') },
  { name: 'SNAT, equal', rules: snat('10.2.0.9', '2001:db8:2::9') },
  { name: 'SNAT, shorter', rules: snat('10.2.0.9', '2001:db8:2::9'), from: LONG_CLIENT },
  { name: 'MASQUERADE', rules: MASQUERADE },
  { name: 'DNAT', rules: DNAT, target: PUBLISHED },
  {
    name: 'DNAT, shorter',
    rules: [
      `-4 -A PREROUTING -i inside -d ${CLIENT_SIDE[4]} -p tcp --dport 21 -j DNAT --to-destination ${LONG_SERVER[4]}`,
      `-6 -A PREROUTING -i inside -d ${CLIENT_SIDE[6]} -p tcp --dport 21 -j DNAT --to-destination ${LONG_SERVER[6]}`,
    ],
    target: CLIENT_SIDE,
  },
  { name: 'SNAT and DNAT', rules: [...snat('10.2.0.200', '2001:db8:2::200'), ...DNAT], target: PUBLISHED },
];

/** Client and server share the gateway's inner network, and the client uses the published address. */
const HAIRPIN: Shape = {
  name: 'hairpin',
  rules: [
    `-4 -A PREROUTING -d ${PUBLISHED[4]} -p tcp --dport 21 -j DNAT --to-destination ${INNER_SERVER[4]}`,
    `-6 -A PREROUTING -d ${PUBLISHED[6]} -p tcp --dport 21 -j DNAT --to-destination ${INNER_SERVER[6]}`,
    `-4 -A POSTROUTING -d ${INNER_SERVER[4]} -p tcp -j MASQUERADE`,
    `-6 -A POSTROUTING -d ${INNER_SERVER[6]} -p tcp -j MASQUERADE`,
  ],
  target: PUBLISHED,
};

/** Who forwards into the network that a packet came from says so; for IPv6 always, and conntrack calls that invalid. */
const NO_REDIRECTS = ['*raw', '-6 -A OUTPUT -p ipv6-icmp --icmpv6-type redirect -j DROP', 'COMMIT', ''].join(
  '\n',
);

const OF_OWN_CLIENT: readonly Shape[] = [
  {
    name: 'SNAT, own client',
    rules: [
      `-4 -A POSTROUTING -p tcp -j SNAT --to-source ${LONG_CLIENT[4]}`,
      `-6 -A POSTROUTING -p tcp -j SNAT --to-source ${LONG_CLIENT[6]}`,
    ],
  },
  {
    name: 'DNAT, own client',
    rules: [
      `-4 -A OUTPUT -d ${PUBLISHED[4]} -p tcp --dport 21 -j DNAT --to-destination 10.2.0.2`,
      `-6 -A OUTPUT -d ${PUBLISHED[6]} -p tcp --dport 21 -j DNAT --to-destination 2001:db8:2::2`,
    ],
    target: PUBLISHED,
  },
];

/** The server listens on another port than its clients know. */
const REDIRECTED_PORT = 2121;
const OF_OWN_SERVER: Shape = {
  name: 'REDIRECT, own server',
  rules: [`-A PREROUTING -p tcp --dport 21 -j REDIRECT --to-ports ${REDIRECTED_PORT}`],
  target: SECOND_SERVER_ADDRESS,
  port: 21,
};

export interface Case {
  readonly shape: Shape;
  readonly mode: Mode;
  readonly family: Family;
  readonly label: string;
}

const casesOf = (shapes: readonly Shape[]): readonly Case[] =>
  shapes.flatMap((shape) =>
    FAMILIES.flatMap((family) =>
      curl.modes[family].map((mode) => ({
        shape,
        mode,
        family,
        label: `${shape.name}, ${mode}, IPv${family}`,
      })),
    ),
  );

/** What a gateway forwards. */
export const CASES = casesOf(SHAPES);

/** Where translation takes place, and of what. */
export interface Stand {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly open: (helper: string) => Promise<Scene>;
}

export const STANDS: readonly Stand[] = [
  { name: 'what a gateway forwards', cases: CASES, open: openTranslated },
  { name: 'a hairpin', cases: casesOf([HAIRPIN]), open: openHairpin },
  { name: 'a host’s own client', cases: casesOf(OF_OWN_CLIENT), open: openOwnClient },
  { name: 'a host’s own server', cases: casesOf([OF_OWN_SERVER]), open: openOwnServer },
];

/** Opens the scene with both sides' further addresses on the gateway; `join` makes the links, if they are not perfect. */
export async function openTranslated(helper: string, join?: Join, program = vsftpd): Promise<Scene> {
  const scene = await openScene({
    placement: 'gateway',
    build: (laboratory) => buildTopology(laboratory, 'gateway', join),
    program,
    helper,
  });
  await scene.topology.firewall.configure([
    ...OUTSIDE.map((address) => `address add ${address} dev outside${nodad(address)}`),
    ...INSIDE.map((address) => `address add ${address} dev inside${nodad(address)}`),
  ]);
  await scene.topology.client.namespace.configure(addresses(LONG_CLIENT));
  await scene.topology.server.namespace.configure(addresses(LONG_SERVER));
  return scene;
}

async function openHairpin(helper: string): Promise<Scene> {
  const scene = await openScene({
    placement: 'gateway',
    build: (laboratory) => buildOneNetwork(laboratory, INNER_SERVER, PUBLISHED),
    program: vsftpd,
    helper,
  });
  await restoreRules(scene.topology.firewall, NO_REDIRECTS);
  return scene;
}

async function openOwnClient(helper: string): Promise<Scene> {
  const scene = await openScene({ placement: 'client-host', program: vsftpd, helper });
  await scene.topology.client.namespace.configure(addresses(LONG_CLIENT));
  return scene;
}

async function openOwnServer(helper: string): Promise<Scene> {
  const scene = await openScene({
    placement: 'server-host',
    program: vsftpd,
    helper,
    // The filter sees the port that the server listens on.
    ports: [REDIRECTED_PORT],
    server: { ...DEFAULT_SETTINGS, port: REDIRECTED_PORT },
  });
  await scene.topology.server.namespace.configure(addresses(SECOND_SERVER_ADDRESS));
  return scene;
}

/** A further address of a host, in both families. */
const addresses = (pair: AddressPair): string[] => [
  `address add ${pair[4]}/24 dev ${HOST_INTERFACE}`,
  `address add ${pair[6]}/64 dev ${HOST_INTERFACE} nodad`,
];

/** An IPv6 address is of use at once without duplicate address detection. */
const nodad = (address: string): string => (address.includes(':') ? ' nodad' : '');

/**
 * Translates from now on as `shape` says; what is open ends first. Conntrack keeps what has ended: hosts that are quiet may
 * still answer what a link held back, and the end of a forgotten connection would be invalid.
 */
export async function translate(scene: Scene, shape: Shape): Promise<void> {
  const { firewall, client, server } = scene.topology;
  await restoreRules(firewall, ['*nat', '-F', ...shape.rules, 'COMMIT', ''].join('\n'));
  await Promise.all([client.namespace.untilQuiet(), server.namespace.untilQuiet()]);
}
