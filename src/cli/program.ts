/**
 * The command line: parses it, runs one command, and turns what it throws into a sentence and an exit code.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ConntrackFtpError, EXIT_CODES, type ExitCode } from '../errors.js';

const EXIT_CODE_HELP = `
Exit codes:
  0  done
  1  failed while running
  2  wrong usage or configuration
  3  the kernel or the host lacks something (the message names it and the remedy)
  4  not permitted`;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return known ? String(manifest.version) : 'unknown';
}

/** Loaded when asked for: what `run` needs would triple the time that `replay` takes to start. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).runCommand(),
  rules: async () => (await import('./rules.js')).rulesCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
};

/** The command that `name` names, or all of them where it names none: for the help, or to say so. */
async function loadCommands(name: string | undefined): Promise<Command[]> {
  const named = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map(async (load) => load()));
}

async function buildProgram(): Promise<Command> {
  const program = new Command('conntrack-ftp')
    .description(
      'Reads FTP control connections and has conntrack expect their data connections,\n' +
        'in place of the kernel modules nf_conntrack_ftp and nf_nat_ftp.',
    )
    .version(version())
    .showHelpAfterError('(--help shows what each option takes)')
    .addHelpText('after', EXIT_CODE_HELP);
  for (const command of await loadCommands(process.argv[2])) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  // commander would end the process itself, with 1 for wrong usage.
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/** Tells the user about `error` and answers the exit code that stands for it. */
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
  process.stderr.write(`conntrack-ftp: a defect of this program, please report it: ${trace}\n`);
  return EXIT_CODES.failed;
}

/** Does what the command line says; the exit code tells how it went. */
export async function main(): Promise<void> {
  // `conntrack-ftp replay … | head` closes our standard output: that is an end, not a failure.
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
