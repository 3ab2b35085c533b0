/**
 * How many bytes something allocates, from the heap's own numbers.
 *
 * @module
 */
import { getHeapStatistics } from 'node:v8';

/** Objects of JavaScript, and memory outside of the heap that they own. */
function inUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/**
 * Bytes that `work` allocates, the mean of `times`; those in which a collection came between are left out. So `work` must
 * allocate little enough for most of its times to be free of one, a few hundred kilobytes.
 *
 * @param prepare  done before each time, and not counted
 */
export function allocatedBy(work: () => void, times: number, prepare: () => void = nothing): number {
  const idle = growth(nothing, times, nothing);
  // What asking costs is no cost of the work.
  return growth(work, times, prepare) - idle;
}

const nothing = (): void => undefined;

function growth(work: () => void, times: number, prepare: () => void): number {
  let sum = 0;
  let counted = 0;
  for (let time = 0; time < times; time++) {
    prepare();
    const before = inUse();
    work();
    const grown = inUse() - before;
    if (grown < 0) continue;
    sum += grown;
    counted++;
  }
  return sum / counted;
}

/** Bytes in use once everything that is not needed any more is collected. Throws `Error` without `--expose-gc`. */
export function keptNow(): number {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc');
  globalThis.gc();
  return inUse();
}
