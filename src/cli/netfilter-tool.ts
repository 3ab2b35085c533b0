/**
 * Runs iptables, its restore and nft, and explains their refusals. The tools report by text and exit code only, and
 * each variant and version differs; so a refusal is explained by unambiguous text, or by testing the pieces of the
 * ruleset one by one.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { MissingError, NotPermittedError, RulesetRejected, type ConntrackFtpError } from '../errors.js';
import type { Need } from '../rules/needs.js';

export interface ToolResult {
  /** The exit code; `undefined` if the tool is not installed. */
  readonly status: number | undefined;
  readonly output: string;
  readonly complaint: string;
}

/** Runs a tool to its end with `input` on its standard input. */
export type RunTool = (tool: string, parameters: readonly string[], input?: string) => ToolResult;

/** iptables is in sbin, which only root's PATH has. */
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

export const runTool: RunTool = (tool, parameters, input = '') => {
  const { error, status, stdout, stderr } = spawnSync(tool, parameters, {
    input,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${SBIN}`, LC_ALL: 'C' },
  });
  if (error !== undefined) {
    if ('code' in error && error.code === 'ENOENT') return { status: undefined, output: '', complaint: '' };
    throw error;
  }
  // A tool that a signal killed has no exit code.
  return { status: status ?? 1, output: stdout, complaint: stderr.trim() };
};

/** What a failed run of `tool` means if its result is unambiguous; `undefined` if it needs tests. */
export function obviousError(tool: string, result: ToolResult): ConntrackFtpError | undefined {
  const { status, complaint } = result;
  if (status === undefined) {
    const debianPackage = tool === 'nft' ? 'nftables' : 'iptables';
    return new MissingError(`${tool} is not installed`, {
      remedy: `install the package ${debianPackage}: apt-get install ${debianPackage}`,
    });
  }
  if (/permission denied|operation not permitted|must be root/i.test(complaint)) {
    return new NotPermittedError(`${tool} is not permitted to change the packet filter`, {
      remedy: 'run as root, or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW',
    });
  }
  const noTable = /^.*(table does not exist|can't initialize).*$/im.exec(complaint)?.[0];
  if (noTable !== undefined) {
    return new MissingError(`this kernel lacks a table: ${noTable}`, {
      remedy: 'load the module that the message names, or use `conntrack-ftp rules nft`',
    });
  }
  const incompatible = /^.*incompatible, use 'nft' tool.*$/im.exec(complaint)?.[0];
  if (incompatible !== undefined) {
    return new MissingError(
      `${tool} cannot read this ruleset because nft created parts of it: ${incompatible}`,
      {
        remedy: 'use `conntrack-ftp rules nft`',
      },
    );
  }
  return undefined;
}

/** Tests each of `needs` with `tool` and names those that the kernel refuses. */
export function missingPieces(
  run: RunTool,
  tool: string,
  parameters: readonly string[],
  needs: readonly Need[],
): MissingError | undefined {
  const missing = needs.filter(({ trial, removal }) => {
    const { status } = run(tool, parameters, trial);
    if (removal !== undefined) run(tool, parameters, removal);
    return status !== 0;
  });
  if (missing.length === 0) return undefined;
  const modules = missing.map(({ module }) => module).join(' ');
  return new MissingError(`this kernel lacks ${missing.map(({ what }) => what).join(', and ')} (${tool})`, {
    remedy: `load the modules (modprobe -a ${modules}), or use a kernel that has them`,
  });
}

/** The last resort: the tool's own message. */
export function rejected(tool: string, result: ToolResult): RulesetRejected {
  return new RulesetRejected(`${tool} refused the ruleset: ${result.complaint}`);
}
