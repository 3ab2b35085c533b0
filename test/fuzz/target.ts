/**
 * A fuzz target: code that reads foreign bytes, behind a function that throws if it breaks a promise.
 *
 * @module
 */
export interface Target {
  /** Its name in the command line, the crash corpus and the report. */
  readonly name: string;
  /** Initial inputs: real ones, from the fixtures. */
  readonly corpus: readonly Buffer[];
  /** Byte sequences with a meaning in the format, for mutations to insert. */
  readonly words: readonly Buffer[];
  /** Bytes of an input, at most. */
  readonly maxLength: number;
  /** Reads the input, which it may change; throws if a promise is broken. A fault returned as a value is correct. */
  readonly run: (input: Buffer) => void;
}

/** Each of them as bytes, one byte a character. */
export const words = (...texts: readonly string[]): readonly Buffer[] =>
  texts.map((text) => Buffer.from(text, 'latin1'));
