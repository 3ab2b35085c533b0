/**
 * Builds `kernel-end.c`, and the environment in which a sanitized addon talks to it instead of the kernel.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecked } from '../lab/command.js';
import { sanitizerEnvironment } from './sanitized-addon.js';

const SOURCE = fileURLToPath(new URL('kernel-end.c', import.meta.url));

/** Builds it into `folder` and returns the path of the library. */
export async function buildKernelEnd(folder: string): Promise<string> {
  const library = join(folder, 'kernel-end.so');
  await runChecked(['cc', '-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-o', library, SOURCE, '-ldl']);
  return library;
}

/**
 * The environment for the `malformed` scenarios with the sanitized addon in `folder`; their working files are kept
 * there too.
 */
export async function malformedEnvironment(folder: string, library: string): Promise<Record<string, string>> {
  const answers = join(folder, 'answers');
  writeFileSync(answers, '');
  return {
    ...(await sanitizerEnvironment(folder, [library])),
    KERNEL_ANSWERS: answers,
    INPUT_UNDER_WAY: join(folder, 'input-under-way'),
  };
}
