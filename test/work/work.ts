/**
 * Counts the helper's work instead of timing it: how often blocks of our sources ran, and how many bytes
 * were passed to Node's native code. Load this module first, then load the code to be measured by
 * `import()`.
 *
 * @module
 */
import { Coverage } from '../fuzz/coverage.js';

/**
 * Native calls whose work is not in our sources. Each works on the bytes of its receiver or on those it
 * returns.
 */
const NATIVE = ['copy', 'copyWithin', 'set', 'fill', 'indexOf', 'includes', 'toString'] as const;
type NativeCall = (this: Uint8Array, ...values: unknown[]) => unknown;

const coverage = new Coverage('/src/');

/** Returns the block runs plus native bytes of `run`. */
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

/** Replaces one of Buffer's methods and returns a function that restores it. */
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
