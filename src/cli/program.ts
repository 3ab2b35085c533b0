/**
 * The command line: parses it, runs one command, and turns errors into a sentence and an exit code.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ConntrackFtpError, EXIT_CODES, type ExitCode } from '../errors.js';

/** What each exit code means. */
export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  done: 'done',
  failed: 'failed while running',
  usage: 'wrong usage or configuration',
  missing: 'the kernel or the host lacks something (the message names it and the remedy)',
  notPermitted: 'not permitted',
};

/** Exit codes with their meanings, ascending. */
export const exitCodeRows = (): readonly (readonly [ExitCode, string])[] =>
  (Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]).map((name) => [
    EXIT_CODES[name],
    EXIT_CODE_MEANINGS[name],
  ]);

const exitCodeHelp = (): string =>
  `\nExit codes:\n${exitCodeRows()
    .map(([code, meaning]) => `  ${code}  ${meaning}`)
    .join('\n')}`;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return known ? String(manifest.version) : 'unknown';
}

/** Loaded on demand: the modules of `run` would triple the start time of `replay`. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).runCommand(),
  rules: async () => (await import('./rules.js')).rulesCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
};

/** The command called `name`; all of them if there is none, for help and for the error message. */
async function loadCommands(name: string | undefined): Promise<Command[]> {
  const named = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map(async (load) => load()));
}

async function buildProgram(): Promise<Command> {
  const program = new Command('conntrack-ftp')
    .description(
      'Reads FTP control connections and makes conntrack expect their data connections.\n' +
        'Replaces the kernel modules nf_conntrack_ftp and nf_nat_ftp.',
    )
    .version(version())
    .showHelpAfterError('(--help shows what each option takes)')
    .addHelpText('after', exitCodeHelp);
  for (const command of await loadCommands(process.argv[2])) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  // Otherwise commander ends the process itself, with 1 for wrong usage.
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/** Prints `error` for the user and returns its exit code. */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // commander has printed its own sentence.
    return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
  }
  if (error instanceof ConntrackFtpError) {
    const remedy = error.remedy === undefined ? '' : `\n  remedy: ${error.remedy}`;
    process.stderr.write(`conntrack-ftp: ${error.message}${remedy}\n`);
    return error.exitCode;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`conntrack-ftp: bug in this program, please report it: ${trace}\n`);
  return EXIT_CODES.failed;
}

/** Runs the command line and sets the exit code. */
export async function main(): Promise<void> {
  // `conntrack-ftp replay … | head` closes our standard output, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_CODES.done);
    throw error;
  });
  try {
    const program = await buildProgram();
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}
