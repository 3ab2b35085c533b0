#!/usr/bin/env node
/**
 * The entry point. The daemon re-executes itself to drop privileges. That comes first, so that no other module is loaded
 * twice.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8';
import { MissingError } from '../errors.js';
import { loadBinding } from '../kernel/binding.js';
import { hasNetAdmin } from '../kernel/capability.js';
import { confineThisProcess } from '../daemon/confinement.js';
import { INLINING } from '../daemon/inlining.js';

/** `run` does the same after it has read the command line, and reports errors that are ignored here. */
function confineEarly(): void {
  try {
    if (hasNetAdmin() !== false) confineThisProcess(loadBinding());
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
  }
}

if (process.argv[2] === 'run') confineEarly();
setFlagsFromString(INLINING);
// Not `await`: the bundle is CommonJS, see scripts/bundle.mjs.
void import('./program.js').then(({ main }) => main());
