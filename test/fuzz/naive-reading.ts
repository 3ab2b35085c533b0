/**
 * A naive reader of one direction of a control connection: keeps the first copy of each byte in a map and matches
 * complete lines with regular expressions. It requires less than the helper, so everything that the helper expected
 * must be among its findings.
 *
 * @module
 */
import type { AnnouncementKind } from '../../src/ftp/announcement.js';
import { formatIpAddress, parseIpAddress } from '../../src/wire/ip-address.js';

/** How a line may end and stand for it to announce anything. */
export interface LineRules {
  /** CRLF at its end and before it. */
  readonly strictLineEnds: boolean;
}

const MAX_LINE = 2048;
const SIX_NUMBERS = /(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)/g;
const EPRT = /^EPRT[ \t]+([!-/:-~])([12])\1(.*?)\1(\d{1,5})\1[ \t]*$/i;
const PASSIVE_PORT = /\(([!-/:-~])\1\1(\d{1,5})\1\)/g;
/** RFC 854: subnegotiations, options, a doubled IAC, commands; an open subnegotiation takes the rest of the line. */
const TELNET = /\xff(?:\xfa(?:\xff[^\xf0]|[^\xff])*?\xff\xf0|\xfa[^]*$|[\xfb-\xfe][^]|[^\xfa-\xfe])/g;

interface Line {
  readonly text: string;
  readonly sound: boolean;
}

export class NaiveHalf {
  readonly #bytes = new Map<number, number>();
  #lowest = Infinity;
  #highest = -Infinity;
  /** Position of the stream's first byte, where its beginning was seen. */
  #begin: number | undefined;

  begin(position: number): void {
    this.#begin = position;
  }

  receive(position: number, bytes: Uint8Array): void {
    bytes.forEach((byte, at) => {
      if (!this.#bytes.has(position + at)) this.#bytes.set(position + at, byte);
    });
    this.#lowest = Math.min(this.#lowest, position);
    this.#highest = Math.max(this.#highest, position + bytes.length);
  }

  /** The first missing position from `position` on. */
  contiguousFrom(position: number): number {
    while (this.#bytes.has(position)) position++;
    return position;
  }

  /** Lines that begin with this command, whatever their ends. */
  commands(verb: string): number {
    const pattern = new RegExp(`^${verb}(?:[ \\t]|$)`, 'i');
    return this.#lines(false).filter(({ text }) => pattern.test(text)).length;
  }

  /** Whole lines that a naive reader takes for `kind` of this endpoint; `address` is `?` for 229. */
  announcements(kind: AnnouncementKind, address: string, port: number, rules: LineRules): number {
    const wanted = `${address}:${port}`;
    return this.#lines(rules.strictLineEnds).filter(
      ({ text, sound }) => sound && endpoints(kind, text).includes(wanted),
    ).length;
  }

  #lines(strict: boolean): Line[] {
    const lines: Line[] = [];
    let text = '';
    // A range begins in the middle of a line, unless the stream begins there.
    let known = false;
    let crBefore = false;
    for (let at = this.#lowest; at < this.#highest; at++) {
      const byte = this.#bytes.get(at);
      if (at === this.#begin) [text, known, crBefore] = ['', true, true];
      if (byte === undefined) {
        [text, known] = ['', false];
      } else if (byte === 0x0a) {
        const ends = text.endsWith('\r');
        const content = ends ? text.slice(0, -1) : text;
        const sound = content.length <= MAX_LINE && (!strict || (ends && crBefore));
        if (known) lines.push({ text: withoutTelnet(content), sound });
        [text, known, crBefore] = ['', true, ends];
      } else {
        text += String.fromCharCode(byte);
      }
    }
    return lines;
  }
}

const withoutTelnet = (line: string): string =>
  line.replace(TELNET, (found) => {
    if (found === '\xff\xff') return '\xff';
    return found.startsWith('\xff\xfa') && !found.endsWith('\xff\xf0') ? found : '';
  });

function endpoints(kind: AnnouncementKind, line: string): string[] {
  if (line.includes('\0')) return [];
  switch (kind) {
    case 'PORT':
      return /^PORT[ \t]+[\d,]+[ \t]*$/i.test(line) ? sixNumbers(line) : [];
    case '227':
      return /^227(?: |$)/.test(line) ? sixNumbers(line) : [];
    case 'EPRT': {
      const [, , , text = '', port] = EPRT.exec(line) ?? [];
      const address = parseIpAddress(text);
      return address === undefined ? [] : [`${formatIpAddress(address)}:${Number(port)}`];
    }
    case '229':
      if (!/^229(?: |$)/.test(line)) return [];
      return [...line.matchAll(PASSIVE_PORT)].map(([, , port]) => `?:${Number(port)}`);
  }
}

const sixNumbers = (line: string): string[] =>
  [...line.matchAll(SIX_NUMBERS)].map((found) => {
    const [a = 0, b = 0, c = 0, d = 0, high = 0, low = 0] = found.slice(1).map(Number);
    return `${a}.${b}.${c}.${d}:${high * 256 + low}`;
  });
