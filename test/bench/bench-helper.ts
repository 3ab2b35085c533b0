/**
 * The helper as the daemon makes it, without a kernel: each connection that it asks for is a new one, without NAT, and every
 * expectation is made.
 *
 * @module
 */
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import type { Conntrack } from '../../src/helper/conntrack.js';
import type { HelperEvents } from '../../src/helper/events.js';
import { FtpHelper } from '../../src/helper/ftp-helper.js';
import { lookupByPort } from '../helper/fake-conntrack.js';
import { SERVER_PORT } from './dialogue.js';

const nothing = (): void => undefined;
const NO_EVENTS: HelperEvents = {
  decision: nothing,
  released: nothing,
  withdrawn: nothing,
  rejected: nothing,
};

/** Keeps nothing of what it is asked, unlike the fake of the tests: a benchmark asks millions of times. */
const newConntrack = (): Conntrack => ({
  find: lookupByPort([SERVER_PORT]),
  expect: () => 'opened',
  isExpected: () => true,
  cancel: nothing,
  adjustSequence: () => 'adjusted',
  release: nothing,
});

export const newHelper = (capacity: number): FtpHelper =>
  new FtpHelper(
    {
      policy: DEFAULT_POLICY,
      ports: [SERVER_PORT],
      capacity,
      maxConnectionsPerClient: capacity,
      maxExpectationsPerClient: Infinity,
      maxExpectAttemptsPerClient: Infinity,
      idleSeconds: Infinity,
      seed: 1,
      random: () => 0,
    },
    newConntrack(),
    NO_EVENTS,
  );
