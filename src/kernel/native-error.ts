/**
 * Converts the addon's errors into this project's errors.
 *
 * @module
 */
import { SystemCallError } from '../errors.js';
import type { NativeError } from './binding.js';

/** Distinguishes the addon's errors from this project's and Node's. */
export function isNativeError(thrown: unknown): thrown is NativeError {
  return (
    thrown instanceof Error &&
    'errno' in thrown &&
    typeof thrown.errno === 'number' &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    'operation' in thrown &&
    typeof thrown.operation === 'string'
  );
}

/** Wraps the addon's error, which becomes the cause. */
export const systemCallError = (error: NativeError): SystemCallError =>
  new SystemCallError(error.operation, error.errno, error.code, { cause: error });

/**
 * Runs a call into the addon. Its system call failures are thrown as `SystemCallError`, everything else unchanged.
 */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw isNativeError(thrown) ? systemCallError(thrown) : thrown;
  }
}
