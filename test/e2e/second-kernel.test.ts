/**
 * Debian's own kernel, which has what others may lack (nft's queue statement, userspace helpers), booted in an
 * emulated machine: the tests in `second-kernel/` run there.
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { quoted } from './second-kernel/initramfs.js';
import { unpackedKernel } from './second-kernel/kernel-package.js';
import { runInGuest } from './second-kernel/virtual-machine.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const GUEST_DEADLINE_MS = 15 * 60_000;
/** The first time, the kernel is fetched. */
const DEADLINE_MS = GUEST_DEADLINE_MS + 8 * 60_000;

/** Of vitest's JSON report, what is asked about. */
const report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

const GUEST_SCRIPT = `cd ${quoted(PROJECT)}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LAB_SLOWNESS=10
uname -r > /report/kernel
exec ${quoted(process.execPath)} node_modules/vitest/vitest.mjs run --config test/e2e/second-kernel/guest.config.ts \\
  --reporter=default --reporter=json --outputFile.json=/report/results.json > /report/log 2>&1
`;

it(
  'what depends on the kernel’s configuration passes on Debian’s kernel',
  async () => {
    const kernel = await unpackedKernel();
    const reportFolder = mkdtempSync(join(tmpdir(), 'cftp-guest-'));
    try {
      const outcome = await runInGuest(kernel, {
        script: GUEST_SCRIPT,
        reportFolder,
        deadlineMs: GUEST_DEADLINE_MS,
      });
      const read = (name: string): string => {
        const path = join(reportFolder, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : '';
      };
      expect(outcome.status, `${outcome.console}\n${read('log')}`).toBe(0);
      expect(read('kernel').trim()).toBe(kernel.version);
      const tests = report
        .parse(JSON.parse(read('results.json')))
        .testResults.flatMap((file) => file.assertionResults);
      expect(tests.length).toBeGreaterThan(0);
      expect(tests.filter(({ status }) => status !== 'passed')).toEqual([]);
    } finally {
      rmSync(reportFolder, { recursive: true, force: true });
    }
  },
  DEADLINE_MS,
);
