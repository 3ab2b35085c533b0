/**
 * What the end to end tests set up: a server behind a default-drop firewall, and someone who watches the
 * firewall's expectations.
 *
 * @module
 */
import { ExpectationWatch } from '../lab/conntrack.js';
import { filterRules, restoreRules } from '../lab/firewall.js';
import { Laboratory } from '../lab/laboratory.js';
import {
  DEFAULT_SETTINGS,
  startServer,
  type FtpServer,
  type ServerProgram,
  type ServerSettings,
} from '../lab/servers/server.js';
import { buildTopology, type Placement, type Topology } from '../lab/topology.js';

export interface Scene {
  readonly laboratory: Laboratory;
  readonly topology: Topology;
  readonly server: FtpServer;
  readonly watch: ExpectationWatch;
}

export interface SceneSettings {
  readonly placement: Placement;
  readonly program: ServerProgram;
  /** The helper that control connections will carry. */
  readonly helper: string;
  readonly server?: ServerSettings;
}

/** Builds it all; nothing opens data connections yet. `scene.laboratory.close()` takes it down. */
export async function openScene({ placement, program, helper, server }: SceneSettings): Promise<Scene> {
  const laboratory = new Laboratory();
  try {
    const settings = server ?? DEFAULT_SETTINGS;
    const topology = await buildTopology(laboratory, placement);
    await restoreRules(topology.firewall, filterRules(placement, { ports: [settings.port], helper }));
    return {
      laboratory,
      topology,
      server: await startServer(laboratory, program, topology.server, settings),
      watch: await ExpectationWatch.start(laboratory, topology.firewall),
    };
  } catch (error) {
    await laboratory.close();
    throw error;
  }
}
