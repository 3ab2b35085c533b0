/**
 * What the end to end tests set up: a server behind a default-drop firewall, and someone who watches the
 * firewall's expectations.
 *
 * @module
 */
import { ExpectationWatch } from '../lab/conntrack.js';
import { DEFAULT_ANCHOR } from '../lab/daemon.js';
import { filterRules, restoreRules } from '../lab/firewall.js';
import { Laboratory } from '../lab/laboratory.js';
import { startServer, type ServerProgram, type ServerSettings } from '../lab/servers/server.js';
import type { Stage } from '../lab/transfer-under-way.js';
import { buildTopology, type Placement, type Topology } from '../lab/topology.js';

export type Scene = Stage;

export interface SceneSettings {
  readonly placement: Placement;
  /** Builds the hosts, where they do not stand as usual. */
  readonly build?: (laboratory: Laboratory) => Promise<Topology>;
  readonly program: ServerProgram;
  /** The helper that control connections will carry; the daemon's usual anchor by default. */
  readonly helper?: string;
  /** Ports of control connections; 21 by default. */
  readonly ports?: readonly number[];
  /** The firewall's filter, where it is not the stateful one for `helper` and `ports`. */
  readonly filter?: (topology: Topology) => string;
  readonly server?: ServerSettings;
}

/**
 * What has ended stays in the table until a slow test has looked at it: after a reset conntrack would forget it in
 * ten seconds, after the last acknowledgement in thirty.
 * Known only once a rule of the filter has made the kernel load its connection tracking.
 */
const FIREWALL_PARAMETERS = {
  'net.netfilter.nf_conntrack_tcp_timeout_close': '300',
  'net.netfilter.nf_conntrack_tcp_timeout_last_ack': '300',
} as const;

/** Builds it all; nothing opens data connections yet. `scene.laboratory.close()` takes it down. */
export async function openScene(settings: SceneSettings): Promise<Scene> {
  const laboratory = new Laboratory();
  try {
    const build = settings.build ?? ((own) => buildTopology(own, settings.placement));
    const topology = await build(laboratory);
    const filter = settings.filter ?? statefulFilter(settings);
    await restoreRules(topology.firewall, filter(topology));
    await topology.firewall.setParameters(FIREWALL_PARAMETERS);
    return {
      laboratory,
      topology,
      server: await startServer(laboratory, settings.program, topology.server, settings.server),
      watch: await ExpectationWatch.start(laboratory, topology.firewall),
    };
  } catch (error) {
    await laboratory.close();
    throw error;
  }
}

const statefulFilter =
  ({ helper = DEFAULT_ANCHOR, ports = [21] }: SceneSettings) =>
  ({ placement }: Topology): string =>
    filterRules(placement, { ports, helper });
