/**
 * Wrong calls and their errors. Types do not help: JavaScript has none at run time.
 *
 * @module
 */
import { loadBinding } from '../../../src/kernel/binding.js';
import { describeError } from './describe-error.js';
import { OPTIONS } from './open-queue.js';
import { perform } from './perform.js';

type Callable = (...args: unknown[]) => unknown;
interface Constructible extends Callable {
  new (...args: unknown[]): object;
}
type Untyped = Readonly<Record<'QueueSocket' | 'RequestSocket' | 'EventSocket', Constructible>>;

const ignore = (): undefined => undefined;

await perform({
  'wrong calls': () => {
    const binding: unknown = loadBinding();
    const { QueueSocket, RequestSocket, EventSocket } = binding as Untyped;
    const open = (options: unknown, ...rest: unknown[]) => new QueueSocket(options, ...rest);
    const openWith = (option: object) => open({ ...OPTIONS, ...option }, ignore, ignore);
    const requests = new RequestSocket();
    const transact = (...args: unknown[]) => (requests as Record<string, Callable>)['transact']?.(...args);
    /** Reads a property of `owner`'s instances with another receiver. */
    const read = (owner: Constructible, name: string, receiver: unknown): unknown =>
      Reflect.get(owner.prototype as object, name, receiver);

    const calls: Record<string, () => unknown> = {
      'QueueSocket without new': () => QueueSocket(OPTIONS, ignore, ignore),
      'QueueSocket without arguments': () => open(undefined),
      'QueueSocket without callbacks': () => open(OPTIONS),
      'QueueSocket with one callback': () => open(OPTIONS, ignore),
      'QueueSocket without options': () => open({}, ignore, ignore),
      'queue 65536': () => openWith({ queue: 65_536 }),
      'queue -1': () => openWith({ queue: -1 }),
      'queue 0.5': () => openWith({ queue: 0.5 }),
      'queue NaN': () => openWith({ queue: Number.NaN }),
      'queue as a string': () => openWith({ queue: '0' }),
      'copyRange 65532': () => openWith({ copyRange: 65_532 }),
      'maxLength 0': () => openWith({ maxLength: 0 }),
      'failOpen 1': () => openWith({ failOpen: 1 }),
      'receiveBufferBytes 0': () => openWith({ receiveBufferBytes: 0 }),
      'batchSize 0': () => openWith({ batchSize: 0 }),
      'batchSize 1025': () => openWith({ batchSize: 1025 }),
      'batchSize Infinity': () => openWith({ batchSize: Infinity }),
      'a getter that throws': () =>
        openWith({
          get queue(): number {
            throw new SyntaxError('its own error');
          },
        }),
      'transact without arguments': () => transact(),
      'transact with a string': () => transact('request', Buffer.alloc(64)),
      'transact with an array of words': () => transact(Buffer.alloc(16), new Uint32Array(16)),
      'transact on another object': () =>
        (RequestSocket.prototype as Record<string, Callable>)['transact']?.call(
          {},
          Buffer.alloc(16),
          Buffer.alloc(64),
        ),
      'EventSocket without arguments': () => new EventSocket(),
      'EventSocket without callbacks': () => new EventSocket([1], 1 << 20),
      'EventSocket with a group as a string': () => new EventSocket(['1'], 1 << 20, ignore, ignore),
      'EventSocket with group 0': () => new EventSocket([0], 1 << 20, ignore, ignore),
      'EventSocket with a buffer of 0': () => new EventSocket([1], 0, ignore, ignore),
      'close of a queue on a request socket': () =>
        (QueueSocket.prototype as Record<string, Callable>)['close']?.call(requests),
      'malformed of a queue on a request socket': () => read(QueueSocket, 'malformed', requests),
      'overruns of a queue on an event socket': () => {
        const events = new EventSocket([1], 1 << 20, ignore, ignore);
        try {
          return read(QueueSocket, 'overruns', events);
        } finally {
          (events as Record<string, Callable>)['close']?.();
        }
      },
      'rejected of a queue on no object': () => read(QueueSocket, 'rejected', undefined),
      'overruns of events on their prototype': () => read(EventSocket, 'overruns', EventSocket.prototype),
    };
    return Object.fromEntries(
      Object.entries(calls).map(([name, call]) => {
        const error = describeError(call);
        return [name, error === undefined ? 'nothing' : `${error.class}: ${error.message}`];
      }),
    );
  },

  'a null that is thrown': () => {
    const { QueueSocket } = loadBinding();
    const nothing: unknown = null;
    const options = {
      ...OPTIONS,
      get queue(): number {
        throw nothing;
      },
    };
    try {
      new QueueSocket(options, ignore, ignore);
      return 'nothing';
    } catch (thrown) {
      return thrown;
    }
  },
});
