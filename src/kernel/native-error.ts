/**
 * What the addon throws, made into what this project throws.
 *
 * @module
 */
import { SystemCallError } from '../errors.js';
import type { NativeError } from './binding.js';

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
