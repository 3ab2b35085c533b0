/**
 * Golden transcripts in markdown: a dialogue and its expected log. A transcript is a `###` heading, a
 * comment with its settings, a block `ftp` with the dialogue, and a block `log`. In the dialogue, `C: ` and
 * `S: ` are bytes of the client and the server, with C escapes; nothing is added to them. `C~` and `S~`
 * mean that bytes of that side were lost.
 *
 * @module
 */
/** The JSON of a transcript's comment. */
export interface Setting {
  readonly client: string;
  readonly server: string;
  readonly policy?: 'kernel';
  readonly allowAddress?: readonly [network: string, prefix: number];
  readonly passivePorts?: readonly [first: number, last: number];
  readonly midStream?: boolean;
  readonly maxLine?: number;
}

/** Directions in the order of halves. */
export const CLIENT = 0;
export const SERVER = 1;
type Side = typeof CLIENT | typeof SERVER;

/** The bytes that one side sends before the other does; `undefined` means lost bytes. */
export interface Turn {
  readonly side: Side;
  readonly bytes: Buffer | undefined;
}

export interface Transcript {
  readonly title: string;
  readonly setting: Setting;
  readonly turns: readonly Turn[];
  readonly log: string;
}

const TRANSCRIPT = /^### (.+)\n+<!-- (.+) -->\n+```ftp\n([^]*?)```\n+```log\n([^]*?)```/gm;

export function parseTranscripts(markdown: string): Transcript[] {
  const transcripts = [...markdown.matchAll(TRANSCRIPT)].map(
    ([, title = '', setting = '', said = '', log = '']) => ({
      title,
      setting: JSON.parse(setting) as Setting,
      turns: parseTurns(said),
      log,
    }),
  );
  const headings = markdown.match(/^### /gm) ?? [];
  if (transcripts.length !== headings.length) {
    throw new Error(`${headings.length} headings, but only ${transcripts.length} transcripts`);
  }
  return transcripts;
}

/** Consecutive lines of one side are one turn, so that they can be cut anywhere. */
function parseTurns(said: string): Turn[] {
  const turns: Turn[] = [];
  for (const line of said.trimEnd().split('\n')) {
    const [, who = '', lost, text = ''] = /^([CS])(?:(~)|: (.*))$/.exec(line) ?? [];
    if (who === '') throw new Error(`not a line of a dialogue: ${line}`);
    const side = who === 'C' ? CLIENT : SERVER;
    const bytes = lost === undefined ? Buffer.from(unescape(text), 'latin1') : undefined;
    const last = turns.at(-1);
    if (last?.side === side && last.bytes !== undefined && bytes !== undefined) {
      turns[turns.length - 1] = { side, bytes: Buffer.concat([last.bytes, bytes]) };
    } else {
      turns.push({ side, bytes });
    }
  }
  return turns;
}

const ESCAPES: Record<string, string> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

const unescape = (text: string): string =>
  text.replace(/\\(?:x([0-9a-f]{2})|([rnt0\\]))/g, (_, hex: string | undefined, name: string) =>
    hex === undefined ? (ESCAPES[name] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Length of the longest turn. */
export const longestTurn = ({ turns }: Transcript): number =>
  Math.max(...turns.map(({ bytes }) => bytes?.length ?? 0));
