/**
 * The parts that option schemas are made of. Every check has a sentence of its own, which follows the name of the
 * option: `must be a whole number from 1 to 64, not "0"`. The schema library's own texts never reach a user.
 *
 * @module
 */
import * as z from 'zod/mini';
import { UsageError } from '../errors.js';

export type Field<T> = z.ZodMiniType<T>;

/** An option: its schema, and what help and reference say about it. */
export interface OptionRow<F extends Field<unknown> = Field<unknown>> {
  readonly field: F;
  /** Placeholder of the value; absent for a switch. */
  readonly argument?: string;
  /** One line, no full stop. */
  readonly help: string;
  /** The value if the option is not given, as help shows it. */
  readonly fallback?: string;
  readonly repeatable?: true;
}

type FieldsOf<Rows extends Readonly<Record<string, OptionRow>>> = {
  -readonly [Key in keyof Rows]: Rows[Key]['field'];
};

/** The shape of an object schema from a table of options. */
export const fieldsOf = <Rows extends Readonly<Record<string, OptionRow>>>(rows: Rows): FieldsOf<Rows> =>
  Object.fromEntries(Object.entries(rows).map(([key, { field }]) => [key, field])) as FieldsOf<Rows>;

/** Keeps the type of a row's schema. */
export const option = <F extends Field<unknown>>(row: OptionRow<F>): OptionRow<F> => row;

/** Reports a wrong value: `sentence` without its end, which names the value. */
type Wrong = (sentence: string) => never;

/** A field that `read` makes from any JSON value or from the text of the command line. */
export const field = <T>(read: (value: unknown, wrong: Wrong) => T): Field<T> =>
  z.pipe(
    z.unknown(),
    z.transform((input: unknown, context): T => {
      try {
        return read(input, (sentence) => {
          throw new WrongValue(`${sentence}, not ${shown(input)}`);
        });
      } catch (error) {
        if (!(error instanceof WrongValue)) throw error;
        context.issues.push({ code: 'custom', message: error.message, input });
        return z.NEVER;
      }
    }),
  );

class WrongValue extends Error {}

/** A number, or its digits. */
export const wholeNumber = (least: number, most: number): Field<number> =>
  field(
    (value, wrong) =>
      wholeWithin(value, least, most) ?? wrong(`must be a whole number from ${least} to ${most}`),
  );

/** One of a few words. */
export const oneOf = <const Words extends readonly string[]>(...words: Words): Field<Words[number]> =>
  field((value, wrong): Words[number] => {
    const known = words.find((word) => word === value);
    return known ?? wrong(`must be ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`);
  });

/** A switch. */
export const isOn = (): Field<boolean> =>
  field((value, wrong) => (typeof value === 'boolean' ? value : wrong('must be true or false')));

/** @param what  of what the list is, `networks such as 192.0.2.0/24` */
export const listOf = <T>(item: Field<T>, what: string): Field<T[]> =>
  z.array(item, { error: ({ input }) => `must be a list of ${what}, not ${shown(input)}` });

/** The number that `value` is or spells, if it is whole and within the bounds. */
export function wholeWithin(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
    ? number
    : undefined;
}

const MAX_SHOWN = 80;

/** A value as a sentence cites it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/**
 * The options that `values` give. Throws a `UsageError` with a sentence for each wrong one.
 *
 * @param nameOf  the name of an option as its user wrote it, from its key
 */
export function readOptions<T>(
  schema: Field<T>,
  values: unknown,
  nameOf: (key: string) => string,
  remedy?: string,
): T {
  const result = z.safeParse(schema, values);
  if (result.success) return result.data;
  const sentences = result.error.issues.map(({ path, message }) => `${nameOf(String(path[0]))} ${message}`);
  throw new UsageError(sentences.join('; '), remedy === undefined ? {} : { remedy });
}
