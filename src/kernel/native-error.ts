/**
 * What the addon throws, made into what this project throws.
 *
 * @module
 */
import { SystemCallError } from '../errors.js';
import type { NativeError } from './binding.js';

/** Tells the addon's errors from our own and from Node's. */
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

/** The same failure in this project's terms; the addon's error is its cause. */
export const systemCallError = (error: NativeError): SystemCallError =>
  new SystemCallError(error.operation, error.errno, error.code, { cause: error });

/** Runs a call into the addon; what fails in the kernel is thrown as `SystemCallError`, all else as it is. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw isNativeError(thrown) ? systemCallError(thrown) : thrown;
  }
}
