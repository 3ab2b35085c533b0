/**
 * `replay`: runs the helper over captures and prints each decision, without a kernel and without a privilege.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { CaptureError } from '../errors.js';
import { decisionRecord, type DecisionRecord } from '../helper/decision.js';
import { FtpHelper } from '../helper/ftp-helper.js';
import { CaptureReader, CAPTURE_FAULTS, type CaptureFrame } from '../capture/capture.js';
import { findIpPacket } from '../capture/link-layer.js';
import { CaptureConntrack } from './capture-conntrack.js';
import { policyFrom } from '../daemon/policy-options.js';
import { remedyOf } from '../daemon/reasons.js';
import { REASON_TABLE, type Reason } from '../helper/reasons.js';
import { formatEndpoint } from '../wire/ip-address.js';
import { addOptions, checkOptions, ReplayOptionsSchema, type ReplayOptions } from './options.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp replay session.pcap
  $ tcpdump -i eth0 -U -w - port 21 | conntrack-ftp replay -
  $ conntrack-ftp replay --json *.pcapng | jq 'select(.decision == "refused")'
  $ conntrack-ftp replay --translate 10.1.0.2=203.0.113.7 inside.pcap`;

/** A capture holds few connections; the daemon's 262,144 would only cost memory. */
const REPLAY_CONNECTIONS = 65_536;

export function replayCommand(): Command {
  return addOptions(
    new Command('replay')
      .description('print the decisions that the daemon would make on captured packets')
      .argument('<file...>', 'pcap or pcapng files; - is standard input'),
    'replay',
  )
    .addHelpText('after', () => EXAMPLES + reasonsHelp())
    .action(async (files: string[], values: Record<string, unknown>) => {
      const options = checkOptions(ReplayOptionsSchema, values);
      for (const file of files) await replayFile(file, options, files.length > 1);
    });
}

async function replayFile(file: string, options: ReplayOptions, nameFile: boolean): Promise<void> {
  const conntrack = new CaptureConntrack(options.translate, options.ports);
  const reader = new CaptureReader();
  const name = file === '-' ? 'standard input' : file;
  const print = (record: DecisionRecord): void => {
    const named = nameFile ? { file: name, ...record } : record;
    process.stdout.write(
      options.json ? `${JSON.stringify(named)}\n` : decisionLine(record, nameFile ? name : undefined),
    );
  };
  const helper = newHelper(options, conntrack, print);
  const replay = (items: ReturnType<CaptureReader['feed']>): void => {
    for (const item of items) {
      if (item.kind === 'fault')
        throw new CaptureError(`${name}: ${CAPTURE_FAULTS[item.fault]} (at byte ${item.at})`);
      replayFrame(helper, conntrack, item);
    }
  };
  try {
    const input = file === '-' ? process.stdin : createReadStream(file);
    for await (const chunk of input as AsyncIterable<Buffer>) replay(reader.feed(chunk));
    replay(reader.end());
  } catch (error) {
    throw unreadable(name, error);
  }
  summarise(name, helper);
}

/** Decides like the daemon on a kernel that can adjust sequence numbers on every connection with NAT. */
function newHelper(
  options: ReplayOptions,
  conntrack: CaptureConntrack,
  print: (record: DecisionRecord) => void,
): FtpHelper {
  const helperOptions = {
    policy: policyFrom(options),
    ports: options.ports,
    capacity: REPLAY_CONNECTIONS,
    // A capture is read whole, however many connections a client has.
    maxConnectionsPerClient: REPLAY_CONNECTIONS,
    maxExpectationsPerClient: Infinity,
    maxExpectAttemptsPerClient: Infinity,
    idleSeconds: Infinity,
    seed: 0,
    random: () => 0,
    observing: true,
    publicAddresses: options.announceAddress,
  };
  return new FtpHelper(helperOptions, conntrack, {
    decision: (decision, told) => {
      print(decisionRecord(decision, told));
    },
    released: ignore,
    withdrawn: ignore,
    rejected: ignore,
  });
}

/** `replay` prints decisions only. */
const ignore = (): void => undefined;

function replayFrame(helper: FtpHelper, conntrack: CaptureConntrack, frame: CaptureFrame): void {
  const start = findIpPacket(frame.linkType, frame.bytes, frame.start, frame.end);
  if (typeof start !== 'number') return;
  const { bytes, end, number, time } = frame;
  conntrack.putBack(bytes, start, end);
  helper.onPacket({ bytes, start, end, number }, time);
}

/** `17  10.1.0.2:39758 > 10.2.0.2:21  227 10.2.0.2:30584  expected` */
function decisionLine(record: DecisionRecord, file: string | undefined): string {
  const { packet, client, clientPort, server, serverPort, announcement, address, port, reason } = record;
  const endpoint = port === undefined ? (address ?? '') : formatEndpoint(address ?? '', port);
  const columns = [
    ...(file === undefined ? [] : [file]),
    String(packet).padStart(6),
    `${formatEndpoint(client, clientPort)} > ${formatEndpoint(server, serverPort)}`,
    `${announcement} ${endpoint}`.trimEnd(),
    reason === undefined ? `expected${rewritten(record)}` : refused(reason),
  ];
  return `${columns.join('  ')}\n`;
}

const refused = (reason: Reason): string => `refused, ${reason}: ${REASON_TABLE[reason].sentence}`;

/** What each reason means, for the help. */
function reasonsHelp(): string {
  const rows = Object.entries(REASON_TABLE).map(([name, { sentence }]) => {
    const remedy = remedyOf(name as Reason);
    return `  ${name}\n      ${sentence}${remedy === '' ? '' : `\n      ${remedy}`}`;
  });
  return `\n\nReasons of refusals:\n${rows.join('\n')}`;
}

const rewritten = ({ rewrittenAddress, rewrittenPort }: DecisionRecord): string =>
  rewrittenAddress === undefined || rewrittenPort === undefined
    ? ''
    : `, rewritten to ${formatEndpoint(rewrittenAddress, rewrittenPort)}`;

/** To standard error, so that standard output holds decisions only. */
function summarise(name: string, helper: FtpHelper): void {
  const { packets, connections, midStream, expected, refused, cut } = helper.counters;
  const sentences = [
    `${name}: ${packets} packets, ${connections + midStream} control connections, ${expected} expected, ${refused} refused`,
  ];
  if (cut > 0)
    sentences.push(`${cut} packets are truncated by the snap length: announcements in them are lost`);
  process.stderr.write(`${sentences.join('; ')}\n`);
}

function unreadable(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  return new CaptureError(`cannot read ${name}: ${String(error.code)}`, { cause: error });
}
