/**
 * Feeds malformed netlink messages to the addon, built with sanitizers, and to the readers behind it. Runs in a
 * separate process, with test/native/kernel-end.c instead of a kernel: a sanitizer finding ends that process.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnding, run, runChecked } from '../lab/command.js';
import { buildKernelEnd, malformedEnvironment } from '../native/kernel-end.js';
import { BUILD_DEADLINE_MS, copySources, ROOT, SANITIZED_BUILD } from '../native/sanitized-addon.js';
import { ANSWER_MARK } from '../native/scenarios/perform.js';
import type { CampaignLimits, CampaignReport } from './campaign.js';

export const ADDON = 'addon';

/** Kept between runs, so that only changes are rebuilt. */
const FOLDER = join(ROOT, '.cache/sanitized');
const SCENARIOS = join(ROOT, 'test/native/scenarios/malformed.ts');
const LONGEST_SECONDS = 24 * 3600;
/** Beyond the time that the messages take. */
const GRACE_MS = 60_000;

interface Answer {
  readonly iterations: number;
  readonly seconds: number;
  readonly pool: number;
}

export async function fuzzAddon(seed: number, limits: CampaignLimits): Promise<CampaignReport> {
  copySources(FOLDER);
  await runChecked(SANITIZED_BUILD, { cwd: FOLDER, deadlineMs: BUILD_DEADLINE_MS });
  const env = await malformedEnvironment(FOLDER, await buildKernelEnd(FOLDER));
  const underWay = env['INPUT_UNDER_WAY'] ?? '';
  rmSync(underWay, { force: true });
  const seconds = Math.min(limits.seconds, LONGEST_SECONDS);
  const argument = { seed, seconds, iterations: Math.min(limits.iterations, Number.MAX_SAFE_INTEGER) };
  const ending = await run(
    [process.execPath, '--import', 'tsx', SCENARIOS, 'malformed messages', JSON.stringify(argument)],
    { cwd: ROOT, env, deadlineMs: seconds * 1000 + GRACE_MS },
  );
  const said = ending.stdout.split('\n').find((line) => line.startsWith(ANSWER_MARK));
  const answer =
    said === undefined
      ? { iterations: 0, seconds: 0, pool: 0 }
      : (JSON.parse(said.slice(ANSWER_MARK.length)) as Answer);
  const input = existsSync(underWay) ? readFileSync(underWay) : Buffer.alloc(0);
  const crashes = ending.status === 0 ? [] : [{ input, error: new Error(describeEnding(ending)) }];
  return { target: ADDON, seed, ...answer, blocks: 0, crashes };
}
