/**
 * `npm test`: installs what is missing, checks the sources and runs every test. Without root it runs the tests in a
 * user and network namespace, if the kernel allows one. Ends with a line `N passed, N failed`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setUp } from './setup.mjs';
import { privileged } from './setup/privilege.mjs';
import { PROJECT } from './setup/step.mjs';

const RESULTS = join(PROJECT, '.cache/test-results.json');

/**
 * What is read of vitest's JSON reporter.
 *
 * @typedef {{ status: string, fullName: string }} Test
 * @typedef {{ name: string, status: string, assertionResults: Test[] }} File
 */

/**
 * @param {readonly string[]} command
 * @returns {boolean} whether it ended well
 */
function run([program = '', ...parameters]) {
  const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
  return spawnSync(program, parameters, { cwd: PROJECT, stdio: 'inherit', env }).status === 0;
}

/**
 * Says what did not run, and the closing line.
 *
 * @returns {boolean} whether all passed, and nothing was skipped where nothing may be
 */
function report() {
  const files = readResults();
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed');
  const failed = tests.filter(({ status }) => status === 'failed');
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  const broken = files.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  for (const { fullName } of skipped) console.error(`SKIPPED  ${fullName}`);
  for (const { name } of broken) console.error(`FAILED   ${relative(PROJECT, name)}, outside its tests`);
  const failures = failed.length + broken.length;
  const also = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  console.log(`\n${passed.length} passed, ${failures} failed${also}`);
  const mayNotSkip = process.env['CI'] === 'true';
  return passed.length > 0 && failures === 0 && !(mayNotSkip && skipped.length > 0);
}

/** @returns {File[]} none where vitest did not get as far as writing any */
function readResults() {
  if (!existsSync(RESULTS)) return [];
  /** @type {unknown} */
  const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  return /** @type {{ testResults: File[] }} */ (results).testResults;
}

/** @returns {boolean} */
function testAll() {
  const linted = run(['npm', 'run', '--silent', 'lint']);
  if (!linted) console.error('\nThe source checks failed; running the tests anyway.');
  mkdirSync(dirname(RESULTS), { recursive: true });
  rmSync(RESULTS, { force: true });
  const vitest = join(PROJECT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
  const command = privileged([process.execPath, vitest, 'run', ...reporters, ...process.argv.slice(2)]);
  const tested = command !== undefined && run(command);
  return report() && tested && linted;
}

setUp('test');
process.exitCode = testAll() ? 0 : 1;
