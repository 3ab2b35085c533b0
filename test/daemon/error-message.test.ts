/** An error sent from a worker to the main thread arrives unchanged, as far as a user can tell. */
import { describe, expect, it } from 'vitest';
import { fromMessage, toMessage } from '../../src/daemon/error-message.js';
import {
  CaptureError,
  MissingError,
  NetlinkMalformed,
  NetlinkRejected,
  NotPermittedError,
  RulesetRejected,
  SystemCallError,
  UsageError,
  type ConntrackFtpError,
} from '../../src/errors.js';

const ERRORS: readonly ConntrackFtpError[] = [
  new SystemCallError('bind to queue 3', 1, 'EPERM'),
  new NetlinkRejected('make an expectation', 16, 'EBUSY', 'taken'),
  new NetlinkRejected('make an expectation', 12, 'ENOMEM'),
  new NetlinkMalformed('the answer cannot be read'),
  new CaptureError('no capture'),
  new RulesetRejected('refused', { remedy: 'another one' }),
  new UsageError('wrong', { remedy: 'see --help' }),
  new MissingError('queue 3 is taken by process 4711 (node)', {
    remedy: 'stop it',
    cause: new Error('EPERM'),
  }),
  new NotPermittedError('not permitted', { remedy: 'run as root' }),
];

describe.each(ERRORS)('$name: $message', (error) => {
  it('keeps its class, sentence, remedy, exit code and errno', () => {
    const arrived = fromMessage(structuredClone(toMessage(error)));
    expect(arrived.constructor).toBe(error.constructor);
    expect(Object.entries(arrived)).toEqual(Object.entries(error));
    expect(arrived.message).toBe(error.message);
    expect(arrived.remedy).toBe(error.remedy);
    expect(arrived.exitCode).toBe(error.exitCode);
  });
});
