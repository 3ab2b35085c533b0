/**
 * How much V8 may inline into one function. The packet path is many small functions, more than the default limit (920
 * bytes of bytecode) can inline, and a call costs more than the work of such a function. See docs/performance.md.
 *
 * @module
 */

/** A V8 option; versions that do not know it ignore it. */
export const INLINING = '--max-inlined-bytecode-size-cumulative=2000';
