/**
 * The streams of the part `scanner`, in the pieces in which segments bring them.
 *
 * @module
 */
export interface LineStream {
  readonly name: string;
  readonly title: string;
  /** GB/s that the scanner must reach. */
  readonly goal?: number;
  /** Bytes of a line, its end included. */
  readonly length: number;
  /** Bytes of a piece. */
  readonly piece: number;
}

/** The next bytes of a half, `[start, end)`. */
export interface Piece {
  readonly half: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const CLIENT = 0;
const SERVER = 1;
/** Lines of each of the two in a lap: one of them announces. */
const LINES = 100;
/** Which one; that of the server is an answer to PASV. */
const PORT_LINE = 0;
const PASSIVE_LINE = 50;

export const LINE_STREAMS: readonly LineStream[] = [
  { name: 'short', title: 'Lines of 32 bytes, a segment each', length: 32, piece: 32 },
  { name: 'text', title: 'Lines of 73 bytes, 20 in a segment', length: 73, piece: 1460 },
  { name: 'long', title: 'Lines of 1,400 bytes, a segment each', length: 1400, piece: 1400, goal: 0.5 },
  { name: 'cut', title: 'Lines of 2,000 bytes, cut into segments of 1,460', length: 2000, piece: 1460 },
];

/** A lap of the stream, piece by piece in turns; it ends with a line. */
export function pieces(stream: LineStream): Piece[] {
  const fromServer = piecesOf(SERVER, stream);
  return piecesOf(CLIENT, stream).flatMap((piece, number) => [
    piece,
    ...fromServer.slice(number, number + 1),
  ]);
}

function piecesOf(half: number, { length, piece }: LineStream): Piece[] {
  const lineOf = half === CLIENT ? commandLine : replyLine;
  const lines = Array.from({ length: LINES }, (_, number) => `${lineOf(number, length - 2)}\r\n`);
  const bytes = Buffer.from(lines.join(''), 'latin1');
  return Array.from({ length: Math.ceil(bytes.length / piece) }, (_, number) => ({
    half,
    bytes,
    start: number * piece,
    end: Math.min((number + 1) * piece, bytes.length),
  }));
}

function commandLine(number: number, length: number): string {
  if (number === PASSIVE_LINE) return 'PASV'.padEnd(length);
  return number === PORT_LINE
    ? `PORT ${'10,1,0,2,156,64'.padStart(length - 5)}`
    : 'STAT '.padEnd(length, 'a');
}

const replyLine = (number: number, length: number): string =>
  number === PASSIVE_LINE ? '227 (10,2,0,2,156,64) '.padEnd(length, 'a') : '200 '.padEnd(length, 'a');
