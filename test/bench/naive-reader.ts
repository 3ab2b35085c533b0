/**
 * Announcements found as most programs would find them: each stream as a string, split at line feeds, and a regular expression for
 * each announcement. It knows no bound, no telnet and no bytes that do not fit; what it costs is what the scanner is held against.
 *
 * @module
 */
const LINE_END = /\r?\n/;
const ANNOUNCEMENTS = {
  client: /^(?:PORT +(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)|EPRT +\|([12])\|([^|]+)\|(\d+)\|)$/i,
  server: /^(?:227 .*?(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)|229 .*?\(\|\|\|(\d+)\|\))/,
} as const;

export class NaiveReader {
  lines = 0;
  announcements = 0;
  readonly #unfinished = new Map<number, string>();

  /** Takes the next bytes of a half; even halves are clients'. */
  scan(half: number, bytes: Buffer, start: number, end: number): void {
    const text = (this.#unfinished.get(half) ?? '') + bytes.toString('latin1', start, end);
    const lines = text.split(LINE_END);
    this.#unfinished.set(half, lines.pop() ?? '');
    const grammar = (half & 1) === 0 ? ANNOUNCEMENTS.client : ANNOUNCEMENTS.server;
    for (const line of lines) {
      this.lines++;
      if (grammar.exec(line) !== null) this.announcements++;
    }
  }
}
