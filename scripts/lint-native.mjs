/**
 * `npm run lint:native`: clang-format and clang-tidy over the addon's sources, as its build saw them, and over the
 * benchmark's programs, with the compiler's warnings. What passed once is not looked at again until it changes.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { Stamp } from './setup/stamp.mjs';
import { PROJECT } from './setup/step.mjs';

/** Where the build says how each file is compiled. */
const BUILD = 'build';

const ADDON = 'native';
/** Each `.c` in it is a program, which the benchmark compiles where it needs it: see test/bench/readers.ts. */
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

/** The addon's build is as strict, without making errors of warnings: another compiler may have more of them. */
const compilesSilently = () =>
  filesOf(PROGRAMS, ['.c']).every((unit) =>
    passes(['cc', ...C_FLAGS, '-Werror', '-c', '-o', '/dev/null', unit]),
  );

/** Headers are looked at where they are included. */
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
      // Otherwise it only counts what it found in the system's headers and kept to itself.
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
