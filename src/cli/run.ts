/**
 * `run`: opens what the daemon needs, says in a sentence what cannot be opened, and runs until a signal.
 *
 * @module
 */
import { Command } from 'commander';
import type { Logger } from 'pino';
import { MissingError, NotPermittedError } from '../errors.js';
import type { Policy } from '../ftp/policy.js';
import {
  probeCarrierHelper,
  probeCarrierHelpers,
  type CarrierHelperProbe,
} from '../kernel/inspect/carrier-helper.js';
import { loadBinding, type NativeBinding } from '../kernel/binding.js';
import { inspectConntrack } from '../kernel/inspect/conntrack-probe.js';
import { NetlinkSocket } from '../kernel/netlink-socket.js';
import { hasNetAdmin, NET_ADMIN_REMEDY } from '../kernel/capability.js';
import { checkQueues } from '../rules/options.js';
import { confineThisProcess } from '../daemon/confinement.js';
import { openLog, type Log } from '../daemon/logger.js';
import { checkOptions, readConfiguration, RunOptionsSchema, type RunOptions } from '../daemon/settings.js';
import { addPolicyOptions, policyFrom } from '../daemon/policy-options.js';
import { QueueReader } from '../daemon/queue-reader.js';
import { checkLogRate, readerLimits } from '../daemon/limits.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp rules iptables --apply && conntrack-ftp run
  $ conntrack-ftp run --queue 4 --ports 21,2121 --passive-ports 30000-30999
  $ conntrack-ftp rules iptables --apply --workers 4 && conntrack-ftp run --workers 4
  $ conntrack-ftp run --config /etc/conntrack-ftp.json

The daemon never changes the ruleset; see conntrack-ftp rules --help.`;

export function runCommand(): Command {
  return addPolicyOptions(
    new Command('run')
      .description('the daemon, in the foreground; ends cleanly at SIGTERM or SIGINT')
      .option('--queue <number>', 'NFQUEUE number, the first one of several workers (default: 0)')
      .option('--workers <n>', 'read as many queues, each in a thread; as in the ruleset (default: 1)')
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
  const options = checkOptions(RunOptionsSchema, { ...fromFile, ...given });
  checkQueues(options);
  checkLogRate(options);
  return options;
}

async function run(options: RunOptions): Promise<void> {
  const policy = policyFrom(options);
  const binding = loadBinding();
  requireNetAdmin();
  const unconfined = confineThisProcess(binding);
  const log = openLog(options.logLevel, process.stdout.isTTY);
  if (unconfined !== undefined) {
    const sentence = `this process keeps privileges that it does not need: ${unconfined}`;
    log.logger.warn({ event: 'unconfined', cause: unconfined }, sentence);
  }
  try {
    await (options.workers === 1
      ? serve(options, policy, binding, log.logger)
      : serveByWorkers(options, binding, log));
  } finally {
    await log.end();
  }
}

/** One queue, read in this thread. */
async function serve(
  options: RunOptions,
  policy: Policy,
  binding: NativeBinding,
  logger: Logger,
): Promise<void> {
  const socket = openSocket(binding);
  const anchors = chooseAnchors(socket, options.anchor);
  const { queue } = options;
  const limits = readerLimits(options, 1);
  const reader = new QueueReader({ options, limits, queue, policy, binding, socket, logger });
  try {
    await new Promise<void>((resolve, reject) => {
      reader.open(reject);
      endAtSignals(logger, resolve);
      logReady(logger, options, anchors);
    });
  } finally {
    reader.close();
    logger.info({ event: 'stopped', ...reader.counters }, 'stopped');
  }
}

/** A queue for each worker, read in a thread of its own. */
async function serveByWorkers(options: RunOptions, binding: NativeBinding, log: Log): Promise<void> {
  const socket = openSocket(binding);
  const anchors = chooseAnchors(socket, options.anchor);
  socket.close();
  // Not loaded where there is one reader only: that shall be ready soon.
  const { Workers } = await import('../daemon/workers.js');
  const workers = new Workers(options, log);
  let ending = false;
  try {
    await new Promise<void>((resolve, reject) => {
      endAtSignals(log.logger, resolve);
      workers.start().then(() => {
        if (!ending) logReady(log.logger, options, anchors);
      }, reject);
    });
  } finally {
    ending = true;
    await workers.stop();
    log.logger.info({ event: 'stopped', ...workers.counters }, 'stopped');
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
function chooseAnchors(socket: NetlinkSocket, wanted: string | undefined): readonly CarrierHelperProbe[] {
  const probes = ([4, 6] as const).flatMap((family) =>
    wanted === undefined ? probeCarrierHelpers(socket, family) : [probeCarrierHelper(socket, wanted, family)],
  );
  const usable = probes.filter((probe) => probe.usable);
  if (usable.length > 0) return usable;
  throw new MissingError(`no usable anchor: ${probes.map(({ evidence }) => evidence).join('; ')}`, {
    remedy:
      'load a helper that does nothing with FTP text, `modprobe nf_conntrack_sane`; conntrack-ftp doctor says what there is',
  });
}

function logReady(logger: Logger, options: RunOptions, anchors: readonly CarrierHelperProbe[]): void {
  for (const family of [4, 6] as const) {
    if (anchors.some((anchor) => anchor.family === family)) continue;
    logger.warn(
      { event: 'no-anchor', family },
      `no usable anchor for IPv${family}: its data connections stay unexpected`,
    );
  }
  const { queue, workers, ports } = options;
  const queues = Array.from({ length: workers }, (_, at) => queue + at);
  const names = [...new Set(anchors.map(({ helper }) => helper))].join(', ');
  const facts = {
    event: 'ready',
    pid: process.pid,
    queue,
    ...(workers === 1 ? {} : { workers, queues }),
    ports,
    anchor: names,
    backend: 'ctnetlink',
  };
  logger.info(
    facts,
    `reading queue${workers === 1 ? '' : 's'} ${queues.join(', ')}, FTP ports ${ports.join(', ')}; expectations by ctnetlink on ${names}`,
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
