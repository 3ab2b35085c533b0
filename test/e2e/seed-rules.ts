/**
 * The packet filters that this project began with, from notes on FTP's two modes that rely on
 * `modprobe ip_conntrack_ftp`. They are for single hosts whose policies drop everything else.
 *
 * @module
 */
import { DEFAULT_ANCHOR } from '../lab/daemon.js';
import { FAMILIES, type AddressPair } from '../lab/family.js';
import { filterOf } from '../lab/firewall.js';
import { HOST_INTERFACE } from '../lab/topology.js';

/** The range of vsftpd's `pasv_min_port` and `pasv_max_port` in the notes. */
export const PASSIVE_PORTS = [30_000, 30_999] as const;
const PASSIVE_RANGE = PASSIVE_PORTS.join(':');
const UNPRIVILEGED = '1024:65535';

const state = (states: string): string => `-m conntrack --ctstate ${states} -j ACCEPT`;

/**
 * The first set as it is written. By its directions it belongs to a client (port 21 is the other side's), and
 * its last two lines want the client's own ports to be in the range.
 */
export const statefulClient = (): string =>
  filterOf([
    `-A INPUT -p tcp --sport 21 ${state('ESTABLISHED')}`,
    `-A OUTPUT -p tcp --dport 21 ${state('NEW,ESTABLISHED')}`,
    `-A INPUT -p tcp --sport 20 ${state('ESTABLISHED,RELATED')}`,
    `-A OUTPUT -p tcp --dport 20 ${state('ESTABLISHED')}`,
    `-A INPUT -p tcp --sport 1024: --dport ${PASSIVE_RANGE} ${state('ESTABLISHED')}`,
    `-A OUTPUT -p tcp --sport ${PASSIVE_RANGE} --dport 1024: ${state('ESTABLISHED,RELATED')}`,
  ]);

/** The first set turned round, for the server that its heading and its port range speak of. */
export const statefulServer = (): string =>
  filterOf([
    `-A INPUT -p tcp --dport 21 ${state('NEW,ESTABLISHED')}`,
    `-A OUTPUT -p tcp --sport 21 ${state('ESTABLISHED')}`,
    `-A OUTPUT -p tcp --sport 20 ${state('ESTABLISHED,RELATED')}`,
    `-A INPUT -p tcp --dport 20 ${state('ESTABLISHED')}`,
    `-A INPUT -p tcp --sport 1024: --dport ${PASSIVE_RANGE} ${state('ESTABLISHED,RELATED')}`,
    `-A OUTPUT -p tcp --sport ${PASSIVE_RANGE} --dport 1024: ${state('ESTABLISHED')}`,
  ]);

/** The second set, for a client. It opens whole ranges, so that nothing depends on the module. */
export const openClient = (address: AddressPair): string =>
  filterOf(
    forAddress(address, (from, to) => [
      `-A OUTPUT -o ${from} --sport ${UNPRIVILEGED} --dport 21 ${state('NEW')}`,
      `-A OUTPUT -o ${from} --sport ${UNPRIVILEGED} --dport 21 -j ACCEPT`,
      `-A INPUT -i ${to} ! --syn --sport 21 --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A INPUT -i ${to} --sport 20 --dport ${UNPRIVILEGED} ${state('NEW')}`,
      `-A INPUT -i ${to} --sport 20 --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A OUTPUT -o ${from} ! --syn --sport ${UNPRIVILEGED} --dport 20 -j ACCEPT`,
      `-A OUTPUT -o ${from} --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} ${state('NEW')}`,
      `-A OUTPUT -o ${from} --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A INPUT -i ${to} ! --syn --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} -j ACCEPT`,
    ]),
  );

/** What the second set needs where data connections are related ones. */
export const narrowClient = (address: AddressPair): string =>
  filterOf(
    forAddress(address, (from, to) => [
      `-A OUTPUT -o ${from} --sport ${UNPRIVILEGED} --dport 21 ${state('NEW')}`,
      `-A INPUT -i ${to} ${state('ESTABLISHED')}`,
      `-A OUTPUT -o ${from} ${state('ESTABLISHED')}`,
      `-A INPUT -i ${to} --sport 20 --dport ${UNPRIVILEGED} -m helper --helper ${DEFAULT_ANCHOR} ${state('RELATED')}`,
      `-A OUTPUT -o ${from} --dport ${UNPRIVILEGED} -m helper --helper ${DEFAULT_ANCHOR} ${state('RELATED')}`,
    ]),
  );

/** The third set, for a server. It opens whole ranges, so that nothing depends on the module. */
export const openServer = (address: AddressPair): string =>
  filterOf(
    forAddress(address, (from, to) => [
      `-A INPUT -i ${to} --sport ${UNPRIVILEGED} --dport 21 ${state('NEW')}`,
      `-A INPUT -i ${to} --sport ${UNPRIVILEGED} --dport 21 -j ACCEPT`,
      `-A OUTPUT -o ${from} ! --syn --sport 21 --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A OUTPUT -o ${from} --sport 20 --dport ${UNPRIVILEGED} ${state('NEW')}`,
      `-A OUTPUT -o ${from} --sport 20 --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A INPUT -i ${to} ! --syn --sport ${UNPRIVILEGED} --dport 20 -j ACCEPT`,
      `-A INPUT -i ${to} --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} ${state('NEW')}`,
      `-A INPUT -i ${to} --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} -j ACCEPT`,
      `-A OUTPUT -o ${from} ! --syn --sport ${UNPRIVILEGED} --dport ${UNPRIVILEGED} -j ACCEPT`,
    ]),
  );

/** What the third set needs where data connections are related ones. */
export const narrowServer = (address: AddressPair): string =>
  filterOf(
    forAddress(address, (from, to) => [
      `-A INPUT -i ${to} --sport ${UNPRIVILEGED} --dport 21 ${state('NEW')}`,
      `-A INPUT -i ${to} ${state('ESTABLISHED')}`,
      `-A OUTPUT -o ${from} ${state('ESTABLISHED')}`,
      `-A OUTPUT -o ${from} --sport 20 --dport ${UNPRIVILEGED} -m helper --helper ${DEFAULT_ANCHOR} ${state('RELATED')}`,
      `-A INPUT -i ${to} --dport ${UNPRIVILEGED} -m helper --helper ${DEFAULT_ANCHOR} ${state('RELATED')}`,
    ]),
  );

/** The rules of each family: `from` and `to` are the interface, TCP, and our own address there. */
const forAddress = (address: AddressPair, rules: (from: string, to: string) => string[]): string[] =>
  FAMILIES.flatMap((family) =>
    rules(
      `${HOST_INTERFACE} -p tcp -s ${address[family]}`,
      `${HOST_INTERFACE} -p tcp -d ${address[family]}`,
    ).map((rule) => `-${family} ${rule}`),
  );
