/**
 * `run`: opens what the daemon needs, or reports what cannot be opened, and runs until a signal.
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
import { confineThisProcess } from '../daemon/confinement.js';
import { openLog, type Log } from '../daemon/logger.js';
import { policyFrom } from '../daemon/policy-options.js';
import { RunOptionsSchema, type RunOptions } from '../daemon/settings.js';
import { QueueReader } from '../daemon/queue-reader.js';
import { readerLimits } from '../daemon/limits.js';
import { addOptions, checkOptions, mergeConfiguration } from './options.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp rules iptables --apply && conntrack-ftp run
  $ conntrack-ftp run --queue 4 --ports 21,2121 --passive-ports 30000-30999
  $ conntrack-ftp rules iptables --apply --workers 4 && conntrack-ftp run --workers 4
  $ conntrack-ftp run --config /etc/conntrack-ftp.json

The daemon never changes the ruleset: conntrack-ftp rules does.`;

export function runCommand(): Command {
  return addOptions(
    new Command('run').description('run the daemon in the foreground; SIGTERM or SIGINT stops it'),
    'run',
  )
    .addHelpText('after', EXAMPLES)
    .action(async (values: Record<string, unknown>) => {
      await run(checkOptions(RunOptionsSchema, mergeConfiguration(values)));
    });
}

async function run(options: RunOptions): Promise<void> {
  const policy = policyFrom(options);
  const binding = loadBinding();
  requireNetAdmin();
  const unconfined = confineThisProcess(binding);
  const log = openLog(options.logLevel, process.stdout.isTTY);
  if (unconfined !== undefined) {
    const sentence = `this process still has privileges that it does not need: ${unconfined}`;
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

/** Reads one queue in this thread. */
async function serve(
  options: RunOptions,
  policy: Policy,
  binding: NativeBinding,
  logger: Logger,
): Promise<void> {
  const socket = openSocket(binding);
  const helpers = chooseHelpers(socket, options.helper);
  const { queue } = options;
  const limits = readerLimits(options, 1);
  const reader = new QueueReader({ options, limits, queue, policy, binding, socket, logger });
  try {
    await new Promise<void>((resolve, reject) => {
      reader.open(reject);
      endAtSignals(logger, resolve);
      logReady(logger, options, helpers);
    });
  } finally {
    reader.close();
    logger.info({ event: 'stopped', ...reader.counters }, 'stopped');
  }
}

/** Each worker reads its own queue in its own thread. */
async function serveByWorkers(options: RunOptions, binding: NativeBinding, log: Log): Promise<void> {
  const socket = openSocket(binding);
  const helpers = chooseHelpers(socket, options.helper);
  socket.close();
  // Loaded only when needed: it would delay the start of a single reader.
  const { Workers } = await import('../daemon/workers.js');
  const workers = new Workers(options, log);
  let ending = false;
  try {
    await new Promise<void>((resolve, reject) => {
      endAtSignals(log.logger, resolve);
      workers.start().then(() => {
        if (!ending) logReady(log.logger, options, helpers);
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

/** The usable carrier helpers, at most one per address family. Throws `MissingError` if there is none at all. */
function chooseHelpers(socket: NetlinkSocket, wanted: string | undefined): readonly CarrierHelperProbe[] {
  const probes = ([4, 6] as const).flatMap((family) =>
    wanted === undefined ? probeCarrierHelpers(socket, family) : [probeCarrierHelper(socket, wanted, family)],
  );
  const usable = probes.filter((probe) => probe.usable);
  if (usable.length > 0) return usable;
  throw new MissingError(`no usable carrier helper: ${probes.map(({ evidence }) => evidence).join('; ')}`, {
    remedy: 'load one with `modprobe nf_conntrack_sane`; conntrack-ftp doctor lists what this kernel has',
  });
}

function logReady(logger: Logger, options: RunOptions, helpers: readonly CarrierHelperProbe[]): void {
  for (const family of [4, 6] as const) {
    if (helpers.some((helper) => helper.family === family)) continue;
    logger.warn(
      { event: 'no-anchor', family },
      `no usable carrier helper for IPv${family}: its data connections cannot be expected`,
    );
  }
  const { queue, workers, ports } = options;
  const queues = Array.from({ length: workers }, (_, at) => queue + at);
  const names = [...new Set(helpers.map(({ helper }) => helper))].join(', ');
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
      logger.info({ event: 'stopping', signal }, `stopping on ${signal}`);
      end();
    });
  }
}
