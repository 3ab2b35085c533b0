/**
 * The options that make a policy, shared by the commands that decide (`run`, `replay`).
 *
 * @module
 */
import { BlockList, isIP } from 'node:net';
import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { DEFAULT_POLICY, KERNEL_POLICY, type Policy, type PortRange } from '../ftp/policy.js';

export interface PolicyOptions {
  readonly policy: 'strict' | 'kernel';
  readonly allowAddress: readonly string[];
  readonly activeSourcePort?: number | undefined;
  readonly passivePorts?: PortRange | undefined;
}

/** Gathers the values of an option that may be repeated. */
export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds the options to a command; their values are read from its `opts()`. */
export function addPolicyOptions(command: Command): Command {
  return command
    .option('--policy <name>', 'strict, or kernel for the tolerance of nf_conntrack_ftp (default: strict)')
    .option(
      '--allow-address <cidr>',
      'also expect announced addresses of this network that are not the announcer’s own (FXP); may be repeated',
      collect,
    )
    .option(
      '--announce-address <public[=private]>',
      'a 227 that would name this (without it: any) private address names the public one; may be repeated',
      collect,
    )
    .option('--active-source-port <port>', 'active data connections must come from this port (20)')
    .option('--passive-ports <first-last>', 'refuse passive ports outside this range');
}

/** The policy that the options ask for. */
export function policyFrom(options: PolicyOptions): Policy {
  return {
    ...(options.policy === 'kernel' ? KERNEL_POLICY : DEFAULT_POLICY),
    allowedAddresses: options.allowAddress.length === 0 ? undefined : networks(options.allowAddress),
    activeSourcePort: options.activeSourcePort ?? 0,
    passivePorts: options.passivePorts,
  };
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) addNetwork(list, cidr);
  return list;
}

function addNetwork(list: BlockList, cidr: string): void {
  const [address = '', length, ...rest] = cidr.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  const whole = length === undefined || /^\d{1,3}$/.test(length);
  if (family === 0 || !whole || prefix > most || rest.length > 0) {
    throw new UsageError(
      `--allow-address must be a network such as 192.0.2.0/24 or 2001:db8::/32, not "${cidr}"`,
    );
  }
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
}
