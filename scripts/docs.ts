/**
 * Writes docs/reference.md from the tables that the program itself uses: options, reasons, events, counters, exit
 * codes. With `--check` it writes nothing, and exits with 1 if the file is not current.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { COMMAND_OPTIONS, optionFlags, type CommandName } from '../src/cli/options.js';
import { exitCodeRows } from '../src/cli/program.js';
import { COUNTERS, EVENTS, type EventRow } from '../src/daemon/events.js';
import { remedyOf } from '../src/daemon/reasons.js';
import { REASON_TABLE, type Reason } from '../src/helper/reasons.js';
import type { OptionRow } from '../src/rules/option-fields.js';

const FILE = path.resolve(import.meta.dirname, '../docs/reference.md');
const WIDTH = 110;

const COMMAND_TEXTS: Record<CommandName, { readonly usage: string; readonly text: string }> = {
  run: {
    usage: 'conntrack-ftp run [options]',
    text: `The daemon, in the foreground. It logs \`ready\` once its queues are bound. SIGTERM, SIGINT and SIGHUP stop it
with exit code 0. It never changes the ruleset and runs no other program. It drops every capability except
CAP_NET_ADMIN. If it was started with more, it re-executes itself; the PID does not change.

The configuration file of \`--config\` is a JSON object. Its keys are these options in camel case, except \`config\`:
\`{"queue": 4, "passivePorts": "30000-30999", "allowAddress": ["192.0.2.0/24"]}\`. An option that may be repeated is
a list.`,
  },
  rules: {
    usage: 'conntrack-ftp rules iptables|nft [options]',
    text: `Prints the ruleset that queues control connections for the daemon. The iptables text is one for both
\`iptables-restore --noflush\` and \`ip6tables-restore --noflush\`; the nft text is for \`nft -f -\`. Give \`run\` the same
queue, workers, ports, helper and mark.`,
  },
  replay: {
    usage: 'conntrack-ftp replay FILE… [options]',
    text: `Reads pcap and pcapng files (\`-\` is standard input) and prints the decisions that the daemon would make. It needs
no privilege. Decisions go to standard output, a summary goes to standard error.`,
  },
  doctor: {
    usage: 'conntrack-ftp doctor [options]',
    text: `Reports what this kernel and host provide, what is missing, and the remedy. It changes nothing. A JSON finding has
\`id\`, \`level\` (\`ok\`, \`warning\` or \`missing\`), \`evidence\` and \`remedy\`.`,
  },
};

const INTRODUCTION = `# Reference

<!-- Made by \`npm run docs\`. Do not edit. -->

Options, exit codes, decisions, reasons, log events and counters of \`conntrack-ftp\`. \`conntrack-ftp COMMAND --help\` has
examples.`;

const DECISIONS = `Each announcement gives one record, in \`replay --json\` and in the log:

- \`packet\`: number of the segment that completes the line: its frame in the capture, its packet id in the queue.
- \`time\`: seconds since 1970.
- \`client\`, \`clientPort\`, \`server\`, \`serverPort\`: the control connection.
- \`announcement\`: \`PORT\`, \`EPRT\`, \`227\` or \`229\`.
- \`address\`, \`port\`: the announced endpoint, if it could be read. A 229 names no address: it is the server's own.
- \`decision\`: \`expected\` or \`refused\`.
- \`reason\`: why it was refused; see below.
- \`rewrittenAddress\`, \`rewrittenPort\`: the endpoint that the other side was told instead. A 229 has only the port.`;

const LOG = `One JSON object per line on standard output; on a terminal, lines for people. Every line has \`level\` (\`debug\`, \`info\`,
\`warn\`, \`error\`), \`time\` (seconds since 1970), \`event\` and \`msg\`, a sentence. With several workers, \`worker\` is the
number of the worker that logged it.`;

/** Breaks `text` into lines of at most `WIDTH` characters, the further ones indented as a list item's. */
function wrap(text: string, indent = '  '): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const code = (text: string): string => `\`${text}\``;

function optionItem(key: string, row: OptionRow): string {
  const fallback = row.fallback === undefined ? '' : ` Default: ${row.fallback}.`;
  const repeat = row.repeatable ? ' May be repeated.' : '';
  return wrap(`- ${code(optionFlags(key, row))}: ${sentence(row.help)}${fallback}${repeat}`);
}

function commandSection(name: CommandName): string {
  const { usage, text } = COMMAND_TEXTS[name];
  const rows: Readonly<Record<string, OptionRow>> = COMMAND_OPTIONS[name];
  const items = Object.entries(rows).map(([key, row]) => optionItem(key, row));
  return `## ${name}\n\n    ${usage}\n\n${text}\n\n${items.join('\n')}`;
}

function reasonItem(name: string): string {
  const reason = name as Reason;
  const remedy = remedyOf(reason).replace(/Option: (.+)\.$/, 'Option: `$1`.');
  return wrap(`- ${code(name)}: ${REASON_TABLE[reason].sentence} ${remedy}`.trimEnd());
}

function eventItem(name: string, { levels, when, fields }: EventRow): string {
  const named = fields.map((name) => (name.includes(' ') ? name : code(name))).join(', ');
  return wrap(`- ${code(name)} (${levels.join(' or ')}): ${when} Fields: ${named}.`);
}

const section = (title: string, ...parts: readonly string[]): string =>
  `## ${title}\n\n${parts.join('\n\n')}`;
const list = (items: readonly string[]): string => items.join('\n');

const text = [
  INTRODUCTION,
  ...(Object.keys(COMMAND_OPTIONS) as CommandName[]).map(commandSection),
  section(
    'Exit codes',
    list(exitCodeRows().map(([number, meaning]) => `- ${code(String(number))}: ${meaning}`)),
  ),
  section('Decisions', DECISIONS),
  section(
    'Reasons of refusals',
    'The sentence says what was seen; an option, if there is one, lifts the refusal.',
    list(Object.keys(REASON_TABLE).map(reasonItem)),
  ),
  section('Log events', LOG, list(Object.entries(EVENTS).map(([name, row]) => eventItem(name, row)))),
  section(
    'Counters',
    'The event `stopped` has these fields. Counters only grow; those of all workers are added up.',
    list(Object.entries(COUNTERS).map(([name, what]) => wrap(`- ${code(name)}: ${what}`))),
  ),
].join('\n\n');

const wanted = await format(text, { ...(await resolveConfig(FILE)), filepath: FILE });
if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== wanted) {
    console.error('docs/reference.md is not current: run `npm run docs`');
    process.exitCode = 1;
  }
} else writeFileSync(FILE, wanted);
