/**
 * The programs of the parts with a gateway, built from source into `.cache/bench`: those that generate traffic, and those that the
 * daemon is compared with.
 *
 * @module
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, runChecked, describeEnding, type Command } from '../lab/command.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const SOURCES = path.join(import.meta.dirname, 'native');
const BUILT = path.join(PROJECT, '.cache/bench');
const NODE_GYP = path.join(PROJECT, 'node_modules/.bin/node-gyp');
/** An addon is for the Node that it was built with. */
const NFQUEUE_FOLDER = path.join(BUILT, `nfqueue-${process.version}`);
const NFQUEUE_VERSION = '0.3.2';
const NFQUEUE_ADDON = path.join(NFQUEUE_FOLDER, 'node_modules/nfqueue/build/Release/nfqueue.node');
const INSTALL_DEADLINE_MS = 300_000;

/** Libraries of each program, as the linker wants them. */
const LIBRARIES = {
  flood: [],
  'one-by-one': ['-lnetfilter_queue', '-lnfnetlink'],
  batches: ['-lmnl'],
  expecting: ['-lnetfilter_queue', '-lnfnetlink', '-lnetfilter_conntrack'],
  'ftp-server': ['-pthread'],
  'ftp-client': ['-pthread'],
  'round-trip': [],
} as const;

export type Program = keyof typeof LIBRARIES;

/** Where `program` is once it is built. */
export const pathOf = (program: Program): string => path.join(BUILT, program);

/** Throws with the compiler's words where it fails. */
export async function buildPrograms(programs: readonly Program[]): Promise<void> {
  mkdirSync(BUILT, { recursive: true });
  for (const program of programs) {
    const source = path.join(SOURCES, `${program}.c`);
    await runChecked(['cc', '-O2', '-Wall', '-Wextra', '-o', pathOf(program), source, ...LIBRARIES[program]]);
  }
}

/** The folder that npm's `nfqueue` is installed in; `undefined` where it is not. */
export const nfqueueFolder = (): string | undefined =>
  existsSync(NFQUEUE_ADDON) ? NFQUEUE_FOLDER : undefined;

/** Installs and builds npm's `nfqueue`, unless it is there; answers why that cannot be. */
export async function buildNfqueue(): Promise<string | undefined> {
  if (nfqueueFolder() !== undefined) return undefined;
  rmSync(NFQUEUE_FOLDER, { recursive: true, force: true });
  mkdirSync(NFQUEUE_FOLDER, { recursive: true });
  writeFileSync(path.join(NFQUEUE_FOLDER, 'package.json'), '{ "private": true }\n');
  const steps: readonly { readonly command: Command; readonly cwd: string }[] = [
    {
      command: ['npm', 'install', '--ignore-scripts', '--no-audit', `nfqueue@${NFQUEUE_VERSION}`],
      cwd: NFQUEUE_FOLDER,
    },
    {
      command: [NODE_GYP, 'rebuild', ...nodeHeaders()],
      cwd: path.join(NFQUEUE_FOLDER, 'node_modules/nfqueue'),
    },
  ];
  for (const { command, cwd } of steps) {
    const completed = await run(command, { cwd, deadlineMs: INSTALL_DEADLINE_MS });
    if (completed.status !== 0) return describeEnding(completed);
  }
  return undefined;
}

/** Those that came with Node, where they did: then nothing has to be fetched for them. */
function nodeHeaders(): readonly string[] {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return existsSync(path.join(prefix, 'include/node/node.h')) ? [`--nodedir=${prefix}`] : [];
}
