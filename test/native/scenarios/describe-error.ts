/**
 * What a call throws, in the words of the contract.
 *
 * @module
 */
import type { NativeError } from '../../../src/kernel/binding.js';

export interface Described {
  /** The class that JavaScript code would ask for with instanceof. */
  readonly class: string;
  readonly message: string;
  readonly errno?: unknown;
  readonly code?: unknown;
  readonly operation?: unknown;
}

/** The error that `call` throws; `undefined` where it throws none. */
export function describeError(call: () => unknown): Described | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { errno, code, operation } = error as Partial<NativeError>;
    const described = { class: error.constructor.name, message: error.message };
    return errno === undefined ? described : { ...described, errno, code, operation };
  }
}
