/**
 * How much work the helper does, counted, not timed: how often blocks of our sources ran, and how many bytes were handed to what
 * Node does natively. Load this first, and what is to be counted after it, by `import()`.
 *
 * @module
 */
import { Coverage } from '../fuzz/coverage.js';

/** Native calls whose work is not in our sources; each works on the bytes of its receiver, or on those it answers. */
const NATIVE = ['copy', 'copyWithin', 'set', 'fill', 'indexOf', 'includes', 'toString'] as const;
type NativeCall = (this: Uint8Array, ...values: unknown[]) => unknown;

const coverage = new Coverage('/src/');

/** Block runs and native bytes of `run`. */
export function workOf(run: () => void): number {
  let bytes = 0;
  const restore = NATIVE.map((name) =>
    replace(
      name,
      (real) =>
        function (this: Uint8Array, ...values: unknown[]): unknown {
          const answer = Reflect.apply(real, this, values);
          bytes += bytesOf(name, this, values, answer);
          return answer;
        },
    ),
  );
  try {
    coverage.take();
    run();
    return bytes + [...coverage.take().values()].reduce((sum, count) => sum + count, 0);
  } finally {
    for (const each of restore) each();
  }
}

/** Puts another method in place of one of Buffer's; answers what takes it back. */
function replace(name: (typeof NATIVE)[number], by: (real: NativeCall) => NativeCall): () => void {
  const prototype = Buffer.prototype as object;
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  const real = Reflect.get(prototype, name) as NativeCall;
  Object.defineProperty(prototype, name, { value: by(real), configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(prototype, name);
    else Object.defineProperty(prototype, name, own);
  };
}

function bytesOf(name: (typeof NATIVE)[number], on: Uint8Array, values: unknown[], answer: unknown): number {
  switch (name) {
    case 'copy':
      return Number(answer);
    case 'toString':
      return String(answer).length;
    case 'set':
      return (values[0] as Uint8Array).length;
    case 'copyWithin':
      return Number(values[2] ?? on.length) - Number(values[1]);
    case 'fill':
    case 'indexOf':
    case 'includes':
      return on.length;
  }
}
