/**
 * Turns options into a policy, for the commands that decide (`run`, `replay`) and for workers.
 *
 * @module
 */
import { BlockList } from 'node:net';
import { DEFAULT_POLICY, KERNEL_POLICY, type Policy } from '../ftp/policy.js';
import type { Network, RunOptions } from './settings.js';

export type PolicyOptions = Pick<RunOptions, 'policy' | 'allowAddress' | 'activeSourcePort' | 'passivePorts'>;

/** Returns the policy that the options ask for. */
export function policyFrom(options: PolicyOptions): Policy {
  return {
    ...(options.policy === 'kernel' ? KERNEL_POLICY : DEFAULT_POLICY),
    allowedAddresses: options.allowAddress.length === 0 ? undefined : blockList(options.allowAddress),
    activeSourcePort: options.activeSourcePort ?? 0,
    passivePorts: options.passivePorts,
  };
}

function blockList(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}
