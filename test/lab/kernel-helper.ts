/**
 * The kernel's own `nf_conntrack_ftp`, in the daemon's place: used to test the lab itself.
 *
 * @module
 */
import { restoreRules } from './firewall.js';
import type { Namespace } from './namespace.js';

export const KERNEL_HELPER = 'ftp';

/** Attaches it to new connections to `ports`, forwarded ones and the host's own, in both families. */
export async function attachKernelHelper(namespace: Namespace, ports: readonly number[]): Promise<void> {
  const rules = ['PREROUTING', 'OUTPUT'].flatMap((chain) =>
    ports.map((port) => `-A ${chain} -p tcp --dport ${port} -j CT --helper ${KERNEL_HELPER}`),
  );
  await restoreRules(namespace, ['*raw', ...rules, 'COMMIT', ''].join('\n'));
}
