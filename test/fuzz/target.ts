/**
 * What is fuzzed: code that reads bytes of others, behind a function that throws where it breaks a promise.
 *
 * @module
 */
export interface Target {
  /** As the command line, the crash corpus and the report name it. */
  readonly name: string;
  /** Inputs to begin with: real ones, from the fixtures. */
  readonly corpus: readonly Buffer[];
  /** Bytes that the format gives a meaning, for the mutations to put in. */
  readonly words: readonly Buffer[];
  /** Bytes of an input, at most. */
  readonly maxLength: number;
  /** Reads the input, which it may change; throws where a promise is broken. Answers nothing: a fault told as a value is right. */
  readonly run: (input: Buffer) => void;
}

/** Each of them as bytes, one byte a character. */
export const words = (...texts: readonly string[]): readonly Buffer[] =>
  texts.map((text) => Buffer.from(text, 'latin1'));
