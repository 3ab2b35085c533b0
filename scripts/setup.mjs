/**
 * Prepares a fresh Debian with Node and npm for the demo (`node scripts/setup.mjs demo`), the benchmark (`bench`)
 * or the tests (`node scripts/setup.mjs`): packages, FTP servers, kernel modules, the addon, the commands. Needs
 * only Node; does nothing if everything is there.
 *
 * @module
 */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildAddon, buildCommands, installModules } from './setup/build.mjs';
import { BENCH_PACKAGES, DEMO_PACKAGES, installPackages, TEST_PACKAGES } from './setup/packages.mjs';
import { DEMO_PEERS, TEST_PEERS, unpackPeers } from './setup/peers.mjs';
import { SetupError, step } from './setup/step.mjs';

const NEEDS = {
  bench: { packages: BENCH_PACKAGES, peers: [] },
  demo: { packages: DEMO_PACKAGES, peers: DEMO_PEERS },
  test: { packages: TEST_PACKAGES, peers: TEST_PEERS },
};

/**
 * What to set up for, for the script `name`.
 *
 * @param {string | undefined} name
 * @returns {keyof typeof NEEDS}
 */
export const purposeOf = (name) => (name === 'demo' || name === 'bench' ? name : 'test');

/**
 * Sets up for `purpose`. Where that fails, says why and ends the process with 1.
 *
 * @param {keyof typeof NEEDS} purpose
 */
export function setUp(purpose) {
  try {
    step('packages', () => installPackages(NEEDS[purpose].packages));
    step('servers', () => unpackPeers(NEEDS[purpose].peers));
    step('node modules', installModules);
    step('addon', buildAddon);
    step('commands', buildCommands);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\nsetup  ${error.message}`);
    process.exit(1);
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) setUp(purposeOf(argv[2]));
