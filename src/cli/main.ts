#!/usr/bin/env node
/**
 * The entry. The daemon starts its process anew to shed privileges: that comes first, before the modules are loaded
 * that would be loaded twice.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8';
import { MissingError } from '../errors.js';
import { loadBinding } from '../kernel/binding.js';
import { hasNetAdmin } from '../kernel/capability.js';
import { confineThisProcess } from '../daemon/confinement.js';
import { INLINING } from '../daemon/inlining.js';

/** What keeps it from that is said by `run`, which does the same once the command line is read. */
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
