import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddonLab } from './addon-lab.js';

const QUEUE_USAGE =
  'TypeError: QueueSocket needs (options: object, onBatch: (count) => void, onError: (error) => void)';
const EVENT_USAGE =
  'TypeError: EventSocket needs (groups: number[], receiveBufferBytes: number, onEvents: (length) => void, ' +
  'onError: (error) => void)';
const TRANSACT_USAGE = 'TypeError: transact needs (request: Uint8Array, response: Uint8Array)';

describe('a wrong call', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    lab = await AddonLab.build();
  });
  afterAll(async () => {
    await lab.remove();
  });

  it('throws an error that tells the caller what is wrong', async () => {
    await expect(lab.run('misuse', 'wrong calls')).resolves.toEqual({
      'QueueSocket without new': "TypeError: Class constructors cannot be invoked without 'new'",
      'QueueSocket without arguments': QUEUE_USAGE,
      'QueueSocket without callbacks': QUEUE_USAGE,
      'QueueSocket with one callback': QUEUE_USAGE,
      'QueueSocket without options': 'TypeError: queue must be an integer from 0 to 65535',
      'queue 65536': 'RangeError: queue must be an integer from 0 to 65535, not 65536',
      'queue -1': 'RangeError: queue must be an integer from 0 to 65535, not -1',
      'queue 0.5': 'RangeError: queue must be an integer from 0 to 65535, not 0.5',
      'queue NaN': 'RangeError: queue must be an integer from 0 to 65535, not NaN',
      'queue as a string': 'TypeError: queue must be an integer from 0 to 65535',
      'copyRange 65532': 'RangeError: copyRange must be an integer from 0 to 65531, not 65532',
      'maxLength 0': 'RangeError: maxLength must be an integer from 1 to 4294967295, not 0',
      'failOpen 1': 'TypeError: failOpen must be true or false',
      'receiveBufferBytes 0':
        'RangeError: receiveBufferBytes must be an integer from 4096 to 1073741824, not 0',
      'batchSize 0': 'RangeError: batchSize must be an integer from 1 to 1024, not 0',
      'batchSize 1025': 'RangeError: batchSize must be an integer from 1 to 1024, not 1025',
      'batchSize Infinity': 'RangeError: batchSize must be an integer from 1 to 1024, not Infinity',
      'a getter that throws': 'SyntaxError: its own error',
      'transact without arguments': TRANSACT_USAGE,
      'transact with a string': TRANSACT_USAGE,
      'transact with an array of words': TRANSACT_USAGE,
      'transact on another object': 'TypeError: Illegal invocation',
      'EventSocket without arguments': EVENT_USAGE,
      'EventSocket without callbacks': EVENT_USAGE,
      'EventSocket with a group as a string': 'TypeError: group must be an integer from 1 to 65535',
      'EventSocket with group 0': 'RangeError: group must be an integer from 1 to 65535, not 0',
      'EventSocket with a buffer of 0':
        'RangeError: receiveBufferBytes must be an integer from 4096 to 1073741824, not 0',
      'close of a queue on a request socket': 'TypeError: Illegal invocation',
      'malformed of a queue on a request socket': 'TypeError: Illegal invocation',
      'overruns of a queue on an event socket': 'TypeError: Illegal invocation',
      'rejected of a queue on no object': 'TypeError: Illegal invocation',
      'overruns of events on their prototype': 'TypeError: Illegal invocation',
    });
  });

  it('rethrows even a null that JavaScript throws', async () => {
    await expect(lab.run('misuse', 'a null that is thrown')).resolves.toBeNull();
  });
});
