/**
 * How much V8 may inline into one function. What a packet goes through is many small functions, more than its default
 * (920 bytes of bytecode) has room for; each of them that is called costs more than what it does. See docs/performance.md.
 *
 * @module
 */

/** An option of V8; one that does not know it passes it over. */
export const INLINING = '--max-inlined-bytecode-size-cumulative=2000';
