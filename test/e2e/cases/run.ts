/**
 * Plays all cases to the kernel's helper and to ours.
 *
 * @module
 */
import { Laboratory } from '../../lab/laboratory.js';
import type { Daemon } from '../../lab/daemon.js';
import { CASES, type Results } from './page.js';
import { Stage, type Seen } from './stage.js';

/** Both at the same time, on gateways of their own. The daemons have ended when this resolves, and tell their counters. */
export async function playCases(): Promise<Results & { readonly daemons: readonly Daemon[] }> {
  const laboratory = new Laboratory();
  try {
    const play = async (stage: Stage): Promise<readonly Seen[]> => stage.playAll(CASES);
    const stages = await Promise.all([
      Stage.open(laboratory, 'kernel', CASES.length),
      Stage.open(laboratory, 'ours', CASES.length),
    ]);
    const [kernel, ours] = await Promise.all([play(stages[0]), play(stages[1])]);
    return { kernel, ours, daemons: await stages[1].end() };
  } finally {
    await laboratory.close();
  }
}
