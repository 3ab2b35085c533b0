/**
 * `doctor`: what this kernel and host can do, what is missing, and how to get it.
 *
 * @module
 */
import { Command } from 'commander';
import { EXIT_CODES, MissingError } from '../errors.js';
import { loadBinding } from '../kernel/binding.js';
import { inspectCapabilities } from '../kernel/inspect/capabilities.js';
import type { Finding, FindingLevel } from '../kernel/inspect/finding.js';
import { iptablesNeeds, nftNeeds, type Need } from '../rules/needs.js';
import { RULES_DEFAULTS } from '../rules/options.js';
import { missingPieces, obviousError, runTool } from './netfilter-tool.js';
import { checkOptions, DoctorOptionsSchema, type DoctorOptions } from '../daemon/settings.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp doctor
  $ conntrack-ftp doctor --json | jq -r 'select(.level != "ok") | .remedy'

Ends with 3 where something is missing that nothing can work without. What is tried out (a queue, an entry between
documentation addresses, a ruleset that is only checked) is gone again when it ends; no packet is sent.`;

/** As `Finding`, and the tools that load the ruleset. */
type DoctorFinding = Omit<Finding, 'id'> & { readonly id: string };

const SIGNS: Record<FindingLevel, string> = { ok: 'ok      ', warning: 'warning ', missing: 'MISSING ' };

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this kernel and host can do, what is missing, and how to get it')
    .option('--queue <number>', 'the queue to ask about (default: 0)')
    .option('--workers <n>', 'as many queues, and what their rules need (default: 1)')
    .option('--anchor <name>', 'the helper to try (default: the known ones)')
    .option('--json', 'one finding a line')
    .addHelpText('after', EXAMPLES)
    .action((values: unknown) => {
      const options = checkOptions(DoctorOptionsSchema, values);
      const findings = examine(options);
      for (const finding of findings) print(finding, options.json);
      if (findings.some(({ level }) => level === 'missing')) process.exitCode = EXIT_CODES.missing;
    });
}

function examine(options: DoctorOptions): DoctorFinding[] {
  const { queue, workers, anchor } = options;
  const inspected = { queue, workers, ...(anchor === undefined ? {} : { anchor }) };
  return [...examineKernel(inspected), ...examineRules(workers, anchor)];
}

/** Without the addon the kernel cannot be asked: that is the first finding, and the only one. */
function examineKernel(options: Parameters<typeof inspectCapabilities>[1]): DoctorFinding[] {
  try {
    const binding = loadBinding();
    const loaded = {
      id: 'addon',
      level: 'ok',
      evidence: 'the native addon is built',
      remedy: undefined,
    } as const;
    return [loaded, ...inspectCapabilities(binding, options)];
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    return [{ id: 'addon', level: 'missing', evidence: error.message, remedy: error.remedy }];
  }
}

/** One of iptables and nft is enough, so the lack of one is a warning, and of both an obstacle. */
function examineRules(workers: number, anchor = RULES_DEFAULTS.anchor): DoctorFinding[] {
  const wanted = { ...RULES_DEFAULTS, workers, anchor };
  const findings = [
    examineTool('iptables', 'iptables-restore', ['--test', '--noflush'], iptablesNeeds(wanted)),
    examineTool('ip6tables', 'ip6tables-restore', ['--test', '--noflush'], iptablesNeeds(wanted)),
    examineTool('nft', 'nft', ['--check', '-f', '-'], nftNeeds(wanted)),
  ];
  const none = findings.every(({ level }) => level !== 'ok');
  return none ? findings.map((finding) => ({ ...finding, level: 'missing' })) : findings;
}

function examineTool(
  id: string,
  tool: string,
  check: readonly string[],
  needs: readonly Need[],
): DoctorFinding {
  const first = runTool(tool, check, needs[0]?.trial);
  const error =
    (first.status === 0 ? undefined : obviousError(tool, first)) ??
    missingPieces(runTool, tool, check, needs);
  if (error === undefined) {
    return {
      id,
      level: 'ok',
      evidence: `${tool} takes all that \`conntrack-ftp rules\` uses`,
      remedy: undefined,
    };
  }
  return { id, level: 'warning', evidence: error.message, remedy: error.remedy };
}

function print(finding: DoctorFinding, json: boolean): void {
  const { id, level, evidence, remedy } = finding;
  const advice = remedy === undefined ? '' : `\n${' '.repeat(30)}remedy: ${remedy}`;
  process.stdout.write(
    json ? `${JSON.stringify(finding)}\n` : `${SIGNS[level]}${id.padEnd(22)}${evidence}${advice}\n`,
  );
}
