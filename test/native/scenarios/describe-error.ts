/**
 * Describes the error that a call throws, in the terms of the addon's contract.
 *
 * @module
 */
import type { NativeError } from '../../../src/kernel/binding.js';

export interface Described {
  /** The class to test for with instanceof. */
  readonly class: string;
  readonly message: string;
  readonly errno?: unknown;
  readonly code?: unknown;
  readonly operation?: unknown;
}

/** The error that `call` throws, or `undefined`. */
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
