/**
 * `run`: opens what the daemon needs, says in a sentence what cannot be opened, and runs until a signal.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import type { Logger } from 'pino';
import { MissingError, NotPermittedError } from '../errors.js';
import type { Policy } from '../ftp/policy.js';
import { FtpHelper } from '../helper/ftp-helper.js';
import { probeAnchor, probeAnchors, type AnchorProbe } from '../kernel/anchor.js';
import { loadBinding, type NativeBinding } from '../kernel/binding.js';
import { ConntrackEvents } from '../kernel/conntrack-events.js';
import { inspectConntrack } from '../kernel/conntrack-probe.js';
import { ConntrackTable } from '../kernel/conntrack-table.js';
import { CtnetlinkPinholes } from '../kernel/ctnetlink-pinhole.js';
import { NetlinkSocket } from '../kernel/netlink-socket.js';
import { PacketQueue } from '../kernel/packet-queue.js';
import { hasNetAdmin, NET_ADMIN_REMEDY } from '../kernel/process-capability.js';
import { confineThisProcess } from './confinement.js';
import { Daemon } from './daemon.js';
import { openLog } from './logger.js';
import { checkOptions, readConfiguration, RunOptionsSchema, type RunOptions } from './options.js';
import { OverloadReport } from './overload-report.js';
import { PacketLog } from './packet-log.js';
import { PinholeOpener } from './pinhole-opener.js';
import { addPolicyOptions, policyFrom } from './policy-options.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp rules iptables --apply && conntrack-ftp run
  $ conntrack-ftp run --queue 4 --ports 21,2121 --passive-ports 30000-30999
  $ conntrack-ftp run --config /etc/conntrack-ftp.json

The daemon never changes the ruleset; see conntrack-ftp rules --help.`;

const COPY_RANGE = 65_531;
const BATCH_SIZE = 64;
const RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 10_000;
const MAX_SEED = 2 ** 32;

export function runCommand(): Command {
  return addPolicyOptions(
    new Command('run')
      .description('the daemon, in the foreground; ends cleanly at SIGTERM or SIGINT')
      .option('--queue <number>', 'NFQUEUE number (default: 0)')
      .option('--ports <list>', 'ports of FTP servers, up to 15 (default: 21)')
      .option('--anchor <name>', 'the helper that the ruleset attaches (default: the first that serves)')
      .option('--config <file>', 'JSON file with these options in camel case; the command line wins')
      .option(
        '--expect-seconds <n>',
        'an unused expectation lives this long (default: as the anchor has it, 300)',
      )
      .option('--mark <bits>', 'connmark bits of connections that need no reading (default: 0x20000000)')
      .option('--queue-length <packets>', 'packets that may wait for us (default: 8192)')
      .option('--when-full <what>', 'accept or drop packets when that many wait (default: accept)')
      .option('--max-connections <n>', 'control connections followed at once (default: 262144)')
      .option(
        '--max-connections-per-client <n>',
        'of one address, or IPv6 /64; beyond, its first one makes room (default: 4096)',
      )
      .option('--max-expectations-per-client <n>', 'unused ones of one address, or IPv6 /64 (default: 512)')
      .option('--log-rate <lines>', 'lines a second about packets; the others are counted (default: 1000)')
      .option('--idle-seconds <n>', 'forget connections silent this long (default: 432000)')
      .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)'),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (values: Record<string, unknown>) => {
      await run(readOptions(values));
    });
}

function readOptions({ config, ...given }: Record<string, unknown>): RunOptions {
  const fromFile = typeof config === 'string' ? readConfiguration(config) : {};
  return checkOptions(RunOptionsSchema, { ...fromFile, ...given });
}

async function run(options: RunOptions): Promise<void> {
  const policy = policyFrom(options);
  const binding = loadBinding();
  requireNetAdmin();
  const unconfined = confineThisProcess(binding);
  const log = await openLog(options.logLevel, process.stdout.isTTY);
  if (unconfined !== undefined) {
    const sentence = `this process keeps privileges that it does not need: ${unconfined}`;
    log.logger.warn({ event: 'unconfined', cause: unconfined }, sentence);
  }
  try {
    await serve(options, policy, binding, log.logger);
  } finally {
    await log.end();
  }
}

async function serve(
  options: RunOptions,
  policy: Policy,
  binding: NativeBinding,
  logger: Logger,
): Promise<void> {
  const socket = openSocket(binding);
  const anchors = chooseAnchors(socket, options.anchor);
  const table = new ConntrackTable(socket);
  const helper = newHelper(options, policy, table);
  const pinholes = new CtnetlinkPinholes(socket);
  const opener = new PinholeOpener({
    helper,
    pinholes,
    table,
    lifetime: options.expectSeconds,
    mostPerClient: options.maxExpectationsPerClient,
    passivePorts: options.passivePorts,
    now,
    random: Math.random,
  });
  const packetLog = new PacketLog({ logger, linesPerSecond: options.logRate, now });
  const daemon = new Daemon({ helper, opener, table, log: packetLog, doneMark: options.mark, now });
  const overload = new OverloadReport(logger, options.whenFull);
  let sweep: NodeJS.Timeout | undefined;
  let queue: PacketQueue | undefined;
  let events: ConntrackEvents | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      events = openEvents(binding, options.ports, helper, opener, reject);
      queue = openQueue(binding, options, daemon, reject);
      sweep = setInterval(() => {
        helper.expire(now() - options.idleSeconds);
        opener.expire();
        packetLog.settle();
        if (queue !== undefined) overload.settle(queue);
      }, SWEEP_INTERVAL_MS);
      endAtSignals(logger, resolve);
      logReady(logger, options, anchors, queue);
    });
  } finally {
    clearInterval(sweep);
    queue?.close();
    events?.close();
    socket.close();
    const lost = {
      queueOverruns: queue?.overruns,
      queueMalformed: queue?.malformed,
      eventOverruns: events?.overruns,
    };
    packetLog.settle(true);
    if (queue !== undefined) overload.settle(queue);
    const counted = { ...helper.counters, ...helper.limitCounters, ...lost };
    const own = { linesSuppressed: packetLog.suppressed, defects: daemon.defects };
    logger.info({ event: 'stopped', ...counted, ...own }, 'stopped');
  }
}

function requireNetAdmin(): void {
  if (hasNetAdmin() !== false) return;
  throw new NotPermittedError('not permitted: the process lacks CAP_NET_ADMIN', { remedy: NET_ADMIN_REMEDY });
}

function openSocket(binding: NativeBinding): NetlinkSocket {
  const socket = NetlinkSocket.open(binding);
  const lacking = inspectConntrack(socket).find(({ level }) => level === 'missing');
  if (lacking === undefined) return socket;
  if (lacking.remedy === NET_ADMIN_REMEDY) {
    throw new NotPermittedError(lacking.evidence, { remedy: NET_ADMIN_REMEDY });
  }
  throw new MissingError(lacking.evidence, lacking.remedy === undefined ? {} : { remedy: lacking.remedy });
}

/** The anchors that serve, one for each family at most. Throws `MissingError` where none serves IPv4 nor IPv6. */
function chooseAnchors(socket: NetlinkSocket, wanted: string | undefined): readonly AnchorProbe[] {
  const probes = ([4, 6] as const).flatMap((family) =>
    wanted === undefined ? probeAnchors(socket, family) : [probeAnchor(socket, wanted, family)],
  );
  const usable = probes.filter((probe) => probe.usable);
  if (usable.length > 0) return usable;
  throw new MissingError(`no usable anchor: ${probes.map(({ evidence }) => evidence).join('; ')}`, {
    remedy:
      'load a helper that does nothing with FTP text, `modprobe nf_conntrack_sane`; conntrack-ftp doctor says what there is',
  });
}

/** Seconds since 1970, with the microseconds that decisions are logged with. */
const now = (): number => (performance.timeOrigin + performance.now()) / 1000;

function newHelper(options: RunOptions, policy: Policy, table: ConntrackTable): FtpHelper {
  return new FtpHelper({
    policy,
    ports: options.ports,
    lookup: (seen) => table.find(seen),
    capacity: options.maxConnections,
    maxConnectionsPerClient: options.maxConnectionsPerClient,
    seed: randomInt(MAX_SEED),
    publicAddresses: options.announceAddress,
  });
}

function openQueue(
  binding: NativeBinding,
  options: RunOptions,
  daemon: Daemon,
  onError: (error: Error) => void,
): PacketQueue {
  return new PacketQueue(
    binding,
    {
      queue: options.queue,
      copyRange: COPY_RANGE,
      maxLength: options.queueLength,
      failOpen: options.whenFull === 'accept',
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      batchSize: BATCH_SIZE,
    },
    {
      onBatch: (queue, count) => {
        daemon.onBatch(queue, count);
      },
      onError,
    },
  );
}

function openEvents(
  binding: NativeBinding,
  ports: readonly number[],
  helper: FtpHelper,
  opener: PinholeOpener,
  onError: (error: Error) => void,
): ConntrackEvents {
  return new ConntrackEvents(binding, {
    expectations: 'ended',
    ports,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    onEvent: (event) => {
      if (event.kind === 'connection-ended') helper.onConnectionGone(event.connection);
      else if (event.kind === 'expectation-ended') opener.onEnded(event.expectation.tuple);
    },
    onError,
  });
}

function logReady(
  logger: Logger,
  options: RunOptions,
  anchors: readonly AnchorProbe[],
  queue: PacketQueue,
): void {
  for (const refusal of queue.refusals) {
    logger.warn({ event: 'setting-refused', setting: refusal }, `the kernel refused a setting: ${refusal}`);
  }
  for (const family of [4, 6] as const) {
    if (anchors.some((anchor) => anchor.family === family)) continue;
    logger.warn(
      { event: 'no-anchor', family },
      `no usable anchor for IPv${family}: its data connections stay unexpected`,
    );
  }
  const { queue: number, ports } = options;
  const names = [...new Set(anchors.map(({ helper }) => helper))].join(', ');
  const facts = {
    event: 'ready',
    pid: process.pid,
    queue: number,
    ports,
    anchor: names,
    backend: 'ctnetlink',
  };
  logger.info(
    facts,
    `reading queue ${number}, FTP ports ${ports.join(', ')}; expectations by ctnetlink on ${names}`,
  );
}

function endAtSignals(logger: Logger, end: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => {
      logger.info({ event: 'stopping', signal }, `stopping at ${signal}`);
      end();
    });
  }
}
