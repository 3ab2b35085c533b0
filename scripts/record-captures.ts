/**
 * Records the captures that the tests of the capture reader read: the control connections of two directory
 * listings, over IPv4 and over IPv6, from this kernel, in each format and link type that tcpdump and dumpcap
 * write here. Beside each capture goes what tshark reads in it, so that the tests compare two readers.
 *
 * Run as root, with tcpdump, tshark, ethtool and curl installed: `npx tsx scripts/record-captures.ts`.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { perform, sessionWith } from '../test/lab/clients/client.js';
import { curl } from '../test/lab/clients/curl.js';
import { runChecked, type Command } from '../test/lab/command.js';
import { waitFor } from '../test/lab/condition.js';
import { FAMILIES } from '../test/lab/family.js';
import { Laboratory } from '../test/lab/laboratory.js';
import { turnOffloadsOff } from '../test/lab/offloads.js';
import type { RunningProcess } from '../test/lab/running-process.js';
import { startServer } from '../test/lab/servers/server.js';
import { vsftpd } from '../test/lab/servers/vsftpd.js';
import { buildTopology, HOST_INTERFACE, type Topology } from '../test/lab/topology.js';

const FIXTURES = fileURLToPath(new URL('../test/fixtures/captures', import.meta.url));
const FILTER = 'tcp port 21';
/** Ethernet, IPv6 and TCP headers with a timestamp option take 86 bytes; this length truncates the longer lines. */
const SNAP_LENGTH = '96';

/** The recorder's options, by the name of the file it writes. */
const TCPDUMP_RECORDINGS = {
  'ethernet.pcap': ['-i', HOST_INTERFACE],
  'ethernet-nanoseconds.pcap': ['-i', HOST_INTERFACE, '--time-stamp-precision=nano'],
  'ethernet-cut.pcap': ['-i', HOST_INTERFACE, '-s', SNAP_LENGTH],
  'linux-sll.pcap': ['-i', 'any', '-y', 'LINUX_SLL'],
  'linux-sll2.pcap': ['-i', 'any', '-y', 'LINUX_SLL2'],
} as const;
const DUMPCAP_RECORDINGS = {
  'two-interfaces.pcapng': ['-i', HOST_INTERFACE, '-f', FILTER, '-i', 'any', '-f', FILTER],
} as const;

/** The fields that the tests compare, in this order; the names are tshark's. */
const FIELDS = [
  ...['frame.number', 'frame.time_epoch', 'frame.cap_len', 'frame.len'],
  ...['ip.src', 'ipv6.src', 'tcp.srcport', 'ip.dst', 'ipv6.dst', 'tcp.dstport'],
  ...['tcp.seq_raw', 'tcp.ack_raw', 'tcp.flags', 'tcp.len'],
];

const laboratory = new Laboratory();
try {
  const topology = await buildTopology(laboratory, 'server-host');
  for (const { namespace } of [topology.client, topology.server]) {
    await turnOffloadsOff(namespace, HOST_INTERFACE);
  }
  const recorders = await startRecorders(topology);
  await listOverBothFamilies(topology);
  mkdirSync(FIXTURES, { recursive: true });
  for (const [name, recorder] of recorders) {
    await waitFor(`both connections to end in ${name}`, () => holdsBothEndings(recordingPath(name)));
    await recorder.stop('SIGINT');
    writeFileSync(join(FIXTURES, name), readFileSync(recordingPath(name)));
    writeFileSync(join(FIXTURES, `${name}.tsv`), await dissect(recordingPath(name)));
  }
} finally {
  await laboratory.close();
}

async function startRecorders({ client }: Topology): Promise<Map<string, RunningProcess>> {
  const commands = new Map<string, Command>();
  for (const [name, options] of Object.entries(TCPDUMP_RECORDINGS)) {
    const usual = [
      '-Z',
      'root',
      '--no-promiscuous-mode',
      '--immediate-mode',
      '-U',
      '-w',
      recordingPath(name),
    ];
    commands.set(name, ['tcpdump', ...options, ...usual, FILTER]);
  }
  for (const [name, options] of Object.entries(DUMPCAP_RECORDINGS)) {
    commands.set(name, ['dumpcap', ...options, '-p', '-w', recordingPath(name)]);
  }
  const recorders = new Map<string, RunningProcess>();
  for (const [name, command] of commands) {
    const recorder = await laboratory.start(client.namespace, command);
    const started = (): boolean => recorder.stderr.some((line) => /listening on|^File:/.test(line));
    await recorder.waitUntil('recording', started);
    recorders.set(name, recorder);
  }
  return recorders;
}

async function listOverBothFamilies(topology: Topology): Promise<void> {
  const server = await startServer(laboratory, vsftpd, topology.server);
  for (const family of FAMILIES) {
    await perform(topology.client.namespace, curl, sessionWith(server, family, 'EPSV'), { kind: 'list' });
  }
}

/** Whether each side of each connection has sent its FIN. */
async function holdsBothEndings(path: string): Promise<boolean> {
  const streams = await runChecked([
    ...(['tshark', '-n', '-r', path, '-Y', 'tcp.flags.fin == 1'] as const),
    ...['-T', 'fields', '-e', 'tcp.stream', '-e', 'tcp.srcport'],
  ]);
  return new Set(streams.trim().split('\n')).size === 2 * FAMILIES.length;
}

async function dissect(path: string): Promise<string> {
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  return runChecked(['tshark', '-n', '-r', path, '-T', 'fields', '-E', 'header=y', ...fields]);
}

function recordingPath(name: string): string {
  return join(laboratory.folder, name);
}
