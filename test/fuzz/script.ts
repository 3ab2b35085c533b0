/**
 * A control connection as an input: a seed for the network's behaviour, a byte of settings, and the text of both
 * sides, turn by turn. Any bytes form a valid script, so mutations need not know the format.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTranscripts } from '../ftp/transcript.js';
import { words } from './target.js';

export interface Turn {
  /** 0 the client, 1 the server, as the low bit of a half. */
  readonly side: 0 | 1;
  readonly bytes: Buffer;
}

export interface Script {
  /** Seed of what the network does. */
  readonly network: number;
  /** Eight bits, each target's own. */
  readonly settings: number;
  readonly turns: readonly Turn[];
}

const HEADER_LENGTH = 5;
/** ASCII's record separator, which no transcript has. */
const TURN_END = 0x1e;
const SERVER = 0x53;
/** Limits a script to a few thousand packets. */
export const SCRIPT_BYTES = 6000;

const TRANSCRIPTS = join(import.meta.dirname, '../ftp/transcripts');

export function readScript(input: Buffer): Script {
  const header = Buffer.alloc(HEADER_LENGTH);
  input.copy(header);
  const turns: Turn[] = [];
  for (let at = HEADER_LENGTH; at < input.length;) {
    const found = input.indexOf(TURN_END, at);
    const end = found === -1 ? input.length : found;
    if (end > at) turns.push({ side: input[at] === SERVER ? 1 : 0, bytes: input.subarray(at + 1, end) });
    at = end + 1;
  }
  return { network: header.readUInt32BE(0), settings: header.readUInt8(4), turns };
}

export function writeScript({ network, settings, turns }: Script): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt32BE(network, 0);
  header.writeUInt8(settings, 4);
  const said = turns.flatMap(({ side, bytes }) => [
    Buffer.from(side === 1 ? 'S' : 'C'),
    bytes,
    Buffer.of(TURN_END),
  ]);
  return Buffer.concat([header, ...said]);
}

/** The tests' transcripts, each over a different network. */
export function transcriptScripts(): Buffer[] {
  const transcripts = readdirSync(TRANSCRIPTS).flatMap((name) =>
    parseTranscripts(readFileSync(join(TRANSCRIPTS, name), 'utf8')),
  );
  return transcripts.map((transcript, at) => {
    const turns = transcript.turns.flatMap(({ side, bytes }) =>
      bytes === undefined ? [] : [{ side: side === 1 ? 1 : 0, bytes } as const],
    );
    const family = transcript.setting.client.includes(':') ? 1 : 0;
    return writeScript({ network: at, settings: family, turns });
  });
}

/** What FTP is made of, and the addresses of the scripts' two sides. */
export const FTP_WORDS = words(
  ...[
    'PORT ',
    'EPRT ',
    'PASV\r\n',
    'EPSV\r\n',
    'EPSV ALL\r\n',
    'REIN\r\n',
    'AUTH TLS\r\n',
    'NOOP\r\n',
    'CCC\r\n',
  ],
  ...['220 ok\r\n', '200 ok\r\n', '227 ', '229 ', '234 ok\r\n', '150 ', '211-', '211 end\r\n', '500 no\r\n'],
  ...['PORT 10,0,1,2,156,64\r\n', 'EPRT |1|10.0.1.2|40000|\r\n', 'PORT 198,51,100,20,156,64\r\n'],
  ...['227 ok (10,0,2,2,119,120)\r\n', '227 (203,0,113,1,4,0)\r\n', '229 ok (|||30000|)\r\n', '(|||1|)'],
  ...['EPRT |2|2001:db8:1::2|40000|\r\n', '10,0,2,2,3,255', '10,0,1,2,4,0', '0,21', '\r\n', '\n', '\r', '\0'],
  ...['\xff', '\xff\xff', '\xff\xf4\xff\xf2', '\xff\xfb\x06', '\xff\xfa', '\xff\xf0', '\x1eC', '\x1eS'],
);
