/**
 * The helper as the daemon makes it, without a kernel: each connection that it asks for is a new one, and nobody translates.
 *
 * @module
 */
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import { FtpHelper } from '../../src/helper/ftp-helper.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { SERVER_PORT } from './dialogue.js';

export function newHelper(capacity: number): FtpHelper {
  let id = 0;
  return new FtpHelper({
    policy: DEFAULT_POLICY,
    ports: [SERVER_PORT],
    lookup: (seen) => {
      const original = seen.destinationPort === SERVER_PORT ? seen : invertTuple(seen);
      return { original, reply: invertTuple(original), id: ++id };
    },
    capacity,
    maxConnectionsPerClient: capacity,
    seed: 1,
  });
}
