/**
 * The child's side of a scenario file: performs the scenario that the command line names.
 *
 * @module
 */
import { writeSync } from 'node:fs';

/** Marks the output line with a scenario's result. */
export const ANSWER_MARK = 'scenario-answer:';

export type Scenario = (argument: unknown) => unknown;

/** Performs one of `scenarios` and prints its result; a scenario that throws ends the process with 1. */
export async function perform(scenarios: Readonly<Record<string, Scenario>>): Promise<void> {
  const [name = '', argument = 'null'] = process.argv.slice(2);
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  answer(await scenario(JSON.parse(argument)));
}

/** Prints the result immediately, for scenarios that do not return. */
export function answer(value: unknown): void {
  writeSync(1, `\n${ANSWER_MARK}${JSON.stringify(value ?? null)}\n`);
}
