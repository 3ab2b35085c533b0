import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChecked, type Command } from '../lab/command.js';
import { buildKernelEnd, malformedEnvironment } from './kernel-end.js';
import {
  BUILD_DEADLINE_MS,
  copySources,
  ROOT,
  SANITIZED_BUILD,
  sanitizerEnvironment,
} from './sanitized-addon.js';
import { AddonLab } from './addon-lab.js';

const EXPORTS = ['QueueSocket', 'RequestSocket', 'EventSocket', 'restartWith'];

/** Node's headers if they are installed with Node, so that node-gyp does not download them. */
function installedHeaders(): readonly string[] {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/common.gypi')) ? [`--nodedir=${prefix}`] : [];
}

const exportsOf = async (folder: string): Promise<unknown> => {
  const script = `console.log(JSON.stringify(Object.keys(require('node-gyp-build')(${JSON.stringify(folder)}))))`;
  return JSON.parse(await runChecked([process.execPath, '-e', script], { cwd: ROOT }));
};

const tool = (name: string): string => join(ROOT, 'node_modules/.bin', name);

describe('the addon', () => {
  let lab: AddonLab;
  const folders: string[] = [];

  beforeAll(async () => {
    lab = await AddonLab.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0',
      '-A OUTPUT -m conntrack --ctstate INVALID -j DROP',
    ]);
  });
  afterAll(async () => {
    await lab.remove();
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  const buildCopy = async (command: Command): Promise<string> => {
    // Both tools build into `build/`: each gets a copy of the sources, so the current build is not touched.
    const folder = mkdtempSync(join(tmpdir(), 'native-build-'));
    folders.push(folder);
    copySources(folder);
    const output = await runChecked(command, { cwd: folder, deadlineMs: BUILD_DEADLINE_MS });
    expect(output).not.toContain('warning:');
    return folder;
  };

  it('of the current build is found and has its exports', async () => {
    await expect(exportsOf(ROOT)).resolves.toEqual(EXPORTS);
  });

  it(
    'can be built by node-gyp from the same sources, and works',
    { timeout: BUILD_DEADLINE_MS },
    async () => {
      const folder = await buildCopy([tool('node-gyp'), 'rebuild', '--jobs=max', ...installedHeaders()]);
      await expect(exportsOf(folder)).resolves.toEqual(EXPORTS);
      const env = { CONNTRACK_FTP_PREBUILD: folder };
      await expect(lab.run('verdicts', 'accept and drop', { env })).resolves.toMatchObject({
        texts: ['keep0', 'keep1', 'keep2'],
      });
    },
  );

  describe('built with sanitizers', () => {
    let folder: string;
    let env: Record<string, string>;

    beforeAll(async () => {
      folder = await buildCopy(SANITIZED_BUILD);
      env = await sanitizerEnvironment(folder);
    }, BUILD_DEADLINE_MS);

    it.each([
      { file: 'verdicts', scenario: 'a packet is replaced', argument: { four: 'fourteen', five: 'e' } },
      { file: 'verdicts', scenario: 'more than one sendmsg takes', argument: 60_000 },
      { file: 'verdicts', scenario: 'wrong rows of the verdict table', argument: [{ verdict: 7 }] },
      { file: 'verdicts', scenario: 'the longest datagram' },
      { file: 'verdicts', scenario: 'the tables are transferred away' },
      { file: 'verdicts', scenario: 'every packet of a flood gets one verdict', argument: 1000 },
      { file: 'batches', scenario: 'the callback throws at the third of five' },
      { file: 'lifecycle', scenario: 'tables outlive their queue' },
      { file: 'lifecycle', scenario: 'a closed queue that is forgotten' },
      { file: 'lifecycle', scenario: 'request sockets that are forgotten', argument: 50 },
      { file: 'lifecycle', scenario: 'process.exit with everything open' },
      { file: 'lifecycle', scenario: 'process.exit inside the callback' },
      { file: 'requests', scenario: 'a response that is too small', argument: 20 },
      { file: 'requests', scenario: 'several messages in one request' },
      { file: 'events', scenario: 'connections come and go' },
      { file: 'misuse', scenario: 'wrong calls' },
      { file: 'workers', scenario: 'a worker serves the queue and ends' },
      { file: 'workers', scenario: 'workers are terminated', argument: 'count and close' },
    ])('$file: $scenario', async ({ file, scenario, argument }) => {
      const ending = await lab.runToEnd(file, scenario, { env, argument });
      expect(ending).toMatchObject({ status: 0, stderr: '' });
    });

    it('survives malformed messages, including those that once broke it', async () => {
      const ending = await lab.runToEnd('malformed', 'malformed messages', {
        env: await malformedEnvironment(folder, await buildKernelEnd(folder)),
        argument: { seed: 1, seconds: 20, iterations: 2000 },
      });
      expect(ending).toMatchObject({ status: 0, stderr: '' });
    });
  });
});
