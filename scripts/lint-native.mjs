/**
 * `npm run lint:native`: runs clang-format and clang-tidy over the addon's sources with the flags of its build, and
 * over the benchmark's programs with compiler warnings. A file that passed is skipped until it changes.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { Stamp } from './setup/stamp.mjs';
import { PROJECT } from './setup/step.mjs';

/** The compile commands of the build. */
const BUILD = 'build';

const ADDON = 'native';
/** Each `.c` file here is a program that the benchmark compiles on demand: see test/bench/readers.ts. */
const PROGRAMS = 'test/bench/native';
const C_FLAGS = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow'];

/**
 * @param {string} folder
 * @param {readonly string[]} endings
 * @returns {string[]}
 */
const filesOf = (folder, endings) =>
  readdirSync(join(PROJECT, folder))
    .filter((name) => endings.includes(extname(name)))
    .map((name) => join(folder, name));

/**
 * @param {readonly string[]} command
 * @returns {boolean} whether it found nothing; what it found it has printed
 */
function passes([program = '', ...parameters]) {
  return spawnSync(program, parameters, { cwd: PROJECT, stdio: 'inherit' }).status === 0;
}

const isFormatted = () =>
  passes([
    ...['clang-format', '--dry-run', '--Werror'],
    ...filesOf(ADDON, ['.cc', '.h']),
    ...filesOf(PROGRAMS, ['.c', '.h']),
  ]);

/**
 * The addon's build is equally strict but does not turn warnings into errors: other compilers may have more of
 * them.
 */
const compilesSilently = () =>
  filesOf(PROGRAMS, ['.c']).every((unit) =>
    passes(['cc', ...C_FLAGS, '-Werror', '-c', '-o', '/dev/null', unit]),
  );

/** Headers are checked through the files that include them. */
async function isTidy() {
  const units = filesOf(ADDON, ['.cc']);
  const shares = Array.from({ length: availableParallelism() }, (_, share) =>
    units.filter((_unit, at) => at % availableParallelism() === share),
  ).filter((share) => share.length > 0);
  const outcomes = await Promise.all([
    ...shares.map((share) => tidy('-p', BUILD, ...share)),
    tidy(...filesOf(PROGRAMS, ['.c']), '--', ...C_FLAGS),
  ]);
  return outcomes.every(Boolean);
}

/**
 * @param {readonly string[]} parameters
 * @returns {Promise<boolean>}
 */
function tidy(...parameters) {
  return new Promise((resolve, reject) => {
    const said = /** @type {Buffer[]} */ ([]);
    const child = spawn('clang-tidy', ['--quiet', ...parameters], { cwd: PROJECT });
    const keep = (/** @type {Buffer} */ chunk) => said.push(chunk);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (status) => {
      // On success the output only counts suppressed warnings of system headers.
      if (status !== 0) process.stderr.write(Buffer.concat(said));
      resolve(status === 0);
    });
  });
}

const inputs = [ADDON, PROGRAMS, '.clang-format', '.clang-tidy', 'CMakeLists.txt', 'package-lock.json'];
const stamp = new Stamp('lint-native', inputs);
if (!stamp.isCurrent()) {
  const clean = isFormatted() && compilesSilently() && (await isTidy());
  if (clean) stamp.keep();
  process.exitCode = clean ? 0 : 1;
}
