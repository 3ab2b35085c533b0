/**
 * Applies the rules in a network namespace, with either variant of iptables, and reads their packet counters.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { runTool, type RunTool } from '../../src/cli/netfilter-tool.js';
import type { RulesHost } from '../../src/cli/apply-rules.js';
import { FAMILIES, type Family } from '../lab/family.js';
import type { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';

/** Debian's alternatives. */
export const VARIANTS = ['nft', 'legacy'] as const;
export type Variant = (typeof VARIANTS)[number];

/** `iptables-restore` of IPv6 and legacy is `ip6tables-legacy-restore`. */
export const variantTool = (tool: string, variant: Variant): string =>
  tool.replace(/^(ip6?tables)(.*)$/, `$1-${variant}$2`);

const familyTool = (family: Family, suffix: string): string => `ip${family === 6 ? '6' : ''}tables${suffix}`;

/** A host for `namespace`, with iptables in the given variant. */
export function rulesHost(namespace: Namespace, variant: Variant): RulesHost {
  const run: RunTool = (tool, parameters, input) => {
    const [program, ...rest] = namespace.enter([variantTool(tool, variant), ...parameters]);
    return runTool(program, rest, input);
  };
  return { run, hasIpv6: () => true };
}

/** Passes `text` to the restore tools of both families; returns their exit codes. */
export async function restoreBoth(namespace: Namespace, variant: Variant, text: string): Promise<number[]> {
  const codes: number[] = [];
  for (const family of FAMILIES) {
    const tool = variantTool(familyTool(family, '-restore'), variant);
    const { status } = await namespace.run([tool, '--noflush', '--wait'], { input: text });
    codes.push(status ?? -1);
  }
  return codes;
}

/** All rules, chains, policies and counters of both families, without the comments with the time. */
export async function saved(namespace: Namespace, variant: Variant): Promise<string> {
  const texts: string[] = [];
  for (const family of FAMILIES) {
    texts.push(await namespace.runChecked([variantTool(familyTool(family, '-save'), variant), '--counters']));
  }
  return texts.join('').replaceAll(/^#.*\n/gm, '');
}

/** Packets counted by the rules that match `pattern`. */
export async function packetsSeen(
  namespace: Namespace,
  variant: Variant,
  family: Family,
  pattern: RegExp,
): Promise<number> {
  const tool = variantTool(familyTool(family, '-save'), variant);
  const listing = await namespace.runChecked([tool, '--counters', '-t', 'mangle']);
  const rules = listing.split('\n').filter((line) => pattern.test(line));
  return rules.reduce((total, rule) => total + Number(/^\[(\d+):/.exec(rule)?.[1]), 0);
}

const DIALOGUE = fileURLToPath(new URL('dialogue.mjs', import.meta.url));

/** Starts a dialogue server and waits until it listens. */
export async function serveDialogue(
  laboratory: Laboratory,
  namespace: Namespace,
  port: number,
): Promise<void> {
  const server = await laboratory.start(namespace, [process.execPath, DIALOGUE, 'serve', String(port)]);
  await server.waitUntil('listening', () => server.stdout.includes('ready'));
}

/** Makes a connection with `lines` lines each way; returns whether all were answered. */
export async function talk(
  namespace: Namespace,
  address: string,
  port: number,
  lines: number,
): Promise<boolean> {
  const command = [process.execPath, DIALOGUE, 'talk', address, String(port), String(lines)] as const;
  return (await namespace.run(command)).status === 0;
}
