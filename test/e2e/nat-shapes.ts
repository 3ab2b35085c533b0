/**
 * Shapes of address translation on the gateway, and a scene that can be given one after the other.
 *
 * @module
 */
import { curl } from '../lab/clients/curl.js';
import { flushConnections } from '../lab/conntrack.js';
import { FAMILIES, type AddressPair } from '../lab/family.js';
import { restoreRules } from '../lab/firewall.js';
import { vsftpd } from '../lab/servers/vsftpd.js';
import { HOST_INTERFACE } from '../lab/topology.js';
import { openScene, type Scene } from './scene.js';

export interface Shape {
  readonly name: string;
  /** Rules of the nat table, for both families. */
  readonly rules: readonly string[];
  /** Where the client connects to, if not to the server's own address. */
  readonly target?: AddressPair;
  /** Where the client connects from, if not from its first address. */
  readonly from?: AddressPair;
}

/** Addresses of the gateway for those on either side of it, beside its own. */
const OUTSIDE = ['10.2.0.200/24', '10.2.0.9/24', '2001:db8:2::200/64', '2001:db8:2::9/64'] as const;
const INSIDE = ['10.1.0.100/24', '2001:db8:1::100/64'] as const;
/** The client's, longer in text than what it is translated to. */
const LONG_CLIENT: AddressPair = { 4: '10.1.0.240', 6: '2001:db8:1:0:1234:5678:9abc:def0' };
const PUBLISHED: AddressPair = { 4: '10.1.0.100', 6: '2001:db8:1::100' };

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
  { name: 'SNAT and DNAT', rules: [...snat('10.2.0.200', '2001:db8:2::200'), ...DNAT], target: PUBLISHED },
];

export const CASES = SHAPES.flatMap((shape) =>
  FAMILIES.flatMap((family) =>
    curl.modes[family].map((mode) => ({
      shape,
      mode,
      family,
      label: `${shape.name}, ${mode}, IPv${family}`,
    })),
  ),
);
export type Case = (typeof CASES)[number];

/** Opens the scene with both sides' further addresses on the gateway. */
export async function openTranslated(helper: string): Promise<Scene> {
  const scene = await openScene({ placement: 'gateway', program: vsftpd, helper });
  await scene.topology.firewall.configure([
    ...OUTSIDE.map((address) => `address add ${address} dev outside${nodad(address)}`),
    ...INSIDE.map((address) => `address add ${address} dev inside${nodad(address)}`),
  ]);
  await scene.topology.client.namespace.configure([
    `address add ${LONG_CLIENT[4]}/24 dev ${HOST_INTERFACE}`,
    `address add ${LONG_CLIENT[6]}/64 dev ${HOST_INTERFACE} nodad`,
  ]);
  return scene;
}

/** An IPv6 address is of use at once without duplicate address detection. */
const nodad = (address: string): string => (address.includes(':') ? ' nodad' : '');

/** Translates from now on as `shape` says. What is open ends first: the end of a forgotten connection would be invalid. */
export async function translate(scene: Scene, shape: Shape): Promise<void> {
  const { firewall, client, server } = scene.topology;
  await restoreRules(firewall, ['*nat', '-F', ...shape.rules, 'COMMIT', ''].join('\n'));
  await Promise.all([client.namespace.untilQuiet(), server.namespace.untilQuiet()]);
  await flushConnections(firewall);
}
