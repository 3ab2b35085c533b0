/**
 * `npm test`: sets up what is missing, checks the sources, and runs every test. Without root it does so in a user
 * and network namespace of its own, where the kernel allows one. Ends with a line `N passed, N failed`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { PROJECT } from './setup/step.mjs';

const RESULTS = join(PROJECT, '.cache/test-results.json');

/**
 * @param {string} program
 * @param {readonly string[]} parameters
 * @returns {boolean} whether it ended well
 */
function run(program, parameters) {
  return spawnSync(program, parameters, { cwd: PROJECT, stdio: 'inherit' }).status === 0;
}

/** Once more, as root of a namespace; `ip netns` keeps its names in /run, which is then our own. */
function runInNamespace() {
  const inside = 'mount -t tmpfs tmpfs /run && exec "$0" "$@"';
  const namespaces = ['--map-root-user', '--map-auto', '--net', '--mount', '--pid', '--fork', '--mount-proc'];
  const probe = spawnSync('unshare', [...namespaces, 'true'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    console.error(`
The tests make network namespaces and run FTP servers in them, which takes root, or a user namespace of many
users. This one could not be had: ${probe.stderr.trim()}
  Run the tests as root: sudo npm test
  or install the package uidmap, give this user a range in /etc/subuid and /etc/subgid, and allow user namespaces
  (sysctl kernel.unprivileged_userns_clone=1).`);
    return false;
  }
  return run('unshare', [...namespaces, 'sh', '-c', inside, process.execPath, import.meta.filename]);
}

/** @returns {boolean} whether all passed, and nothing was skipped where nothing may be */
function report() {
  /** @type {unknown} */
  const parsed = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const results = /** @type {Record<string, unknown>} */ (parsed);
  const count = (/** @type {string} */ name) => Number(results[name] ?? 0);
  const skipped = count('numPendingTests') + count('numTodoTests');
  const failed = count('numFailedTests');
  const suites = count('numFailedTestSuites');
  if (skipped > 0) console.error(`\nSKIPPED: ${skipped} tests did not run; see above which, and why.`);
  if (failed === 0 && suites > 0) console.error(`\n${suites} test files could not be run.`);
  console.log(
    `\n${count('numPassedTests')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  return failed === 0 && suites === 0 && !(skipped > 0 && process.env['CI'] === 'true');
}

function testAll() {
  const linted = run('npm', ['run', '--silent', 'lint']);
  if (!linted) console.error('\nThe sources do not pass their checks; the tests run all the same.');
  mkdirSync(join(PROJECT, '.cache'), { recursive: true });
  rmSync(RESULTS, { force: true });
  const vitest = ['vitest', 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${RESULTS}`];
  const tested = run('npx', [...vitest, ...process.argv.slice(2)]);
  return report() && tested && linted;
}

const isRoot = process.getuid?.() === 0;
setUp('test');
process.exitCode = (isRoot ? testAll() : runInNamespace()) ? 0 : 1;
