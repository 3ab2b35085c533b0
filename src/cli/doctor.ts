/**
 * `doctor`: reports what this kernel and host provide, what is missing, and the remedy.
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
import { addOptions, checkOptions, DoctorOptionsSchema, type DoctorOptions } from './options.js';

const EXAMPLES = `
Examples:
  $ conntrack-ftp doctor
  $ conntrack-ftp doctor --json | jq -r 'select(.level != "ok") | .remedy'

Exits with 3 if something indispensable is missing. doctor sends no packet and removes everything that it creates for
a test: a queue, a connection tracking entry between documentation addresses, a ruleset that is only checked.`;

/** As `Finding`, and the tools that load the ruleset. */
type DoctorFinding = Omit<Finding, 'id'> & { readonly id: string };

const SIGNS: Record<FindingLevel, string> = { ok: 'ok      ', warning: 'warning ', missing: 'MISSING ' };

export function doctorCommand(): Command {
  return addOptions(
    new Command('doctor').description('report what this host provides, what is missing, and the remedy'),
    'doctor',
  )
    .addHelpText('after', EXAMPLES)
    .action((values: Record<string, unknown>) => {
      const options = checkOptions(DoctorOptionsSchema, values);
      const findings = examine(options);
      for (const finding of findings) print(finding, options.json);
      if (findings.some(({ level }) => level === 'missing')) process.exitCode = EXIT_CODES.missing;
    });
}

function examine(options: DoctorOptions): DoctorFinding[] {
  const { queue, workers, helper } = options;
  const inspected = { queue, workers, ...(helper === undefined ? {} : { anchor: helper }) };
  return [...examineKernel(inspected), ...examineRules(workers, helper)];
}

/** Without the addon nothing can ask the kernel: then its absence is the only finding. */
function examineKernel(options: Parameters<typeof inspectCapabilities>[1]): DoctorFinding[] {
  try {
    const binding = loadBinding();
    const loaded = {
      id: 'addon',
      level: 'ok',
      evidence: 'the native addon is installed',
      remedy: undefined,
    } as const;
    return [loaded, ...inspectCapabilities(binding, options)];
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    return [{ id: 'addon', level: 'missing', evidence: error.message, remedy: error.remedy }];
  }
}

/** One of iptables and nft is enough: the lack of one is a warning, the lack of both is `missing`. */
function examineRules(workers: number, helper = RULES_DEFAULTS.helper): DoctorFinding[] {
  const wanted = { ...RULES_DEFAULTS, workers, helper };
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
      evidence: `${tool} accepts everything that \`conntrack-ftp rules\` uses`,
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
