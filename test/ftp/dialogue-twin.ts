/**
 * Reference implementation of the dialogue rules with strings, regular expressions and a list, for the
 * default policy and whole CRLF lines only.
 *
 * @module
 */
const FTP_COMMAND = /^(?:USER|PASS|PASV|EPSV|REIN|PORT|EPRT|AUTH|NOOP)(?: |$)/i;
const GOOD_PORT = /^PORT \d+(?:,\d+){5}$/i;
const GOOD_227 = /\(\d+(?:,\d+){5}\)/;
const GOOD_229 = /\(\|\|\|\d+\|\)/;

const isReadable = (code: string, line: string): boolean => (code === '227' ? GOOD_227 : GOOD_229).test(line);

export class DialogueTwin {
  #state: 'ftp' | 'not-ftp' | 'encrypted' = 'ftp';
  #greeted = false;
  #clientSpoke = false;
  #epsvOnly = false;
  #openCode: string | undefined;
  #commands: string[] = [];

  /** `announcement KIND`, `refused KIND REASON`, `encrypted`, `not-ftp`, or nothing. */
  client(line: string): string | undefined {
    if (this.#state === 'encrypted' || line === '') return undefined;
    const announces = /^PORT(?: |$)/i.test(line);
    const readable = GOOD_PORT.test(line);
    if (this.#state === 'not-ftp') return readable ? 'refused PORT not-ftp' : undefined;
    if (!this.#clientSpoke && !FTP_COMMAND.test(line)) return this.#end('not-ftp');
    this.#clientSpoke = true;
    this.#commands.push(line.toUpperCase());
    if (!announces) return undefined;
    if (!this.#greeted) return 'refused PORT no-banner';
    if (this.#epsvOnly) return 'refused PORT epsv-all';
    return readable ? 'announcement PORT' : 'refused PORT malformed';
  }

  server(line: string): string | undefined {
    if (this.#state === 'encrypted') return undefined;
    const [, code = '', sign] = /^([1-5]\d\d)( |-|$)/.exec(line) ?? [];
    const echoed = (code === '227' || code === '229') && sign !== '-' && isReadable(code, line);
    if (this.#state === 'not-ftp') return echoed ? `refused ${code} not-ftp` : undefined;
    if (this.#openCode !== undefined) {
      if (code !== this.#openCode || sign === '-')
        return echoed ? `refused ${code} unsolicited-reply` : undefined;
      this.#openCode = undefined;
      return this.#reply(code, line);
    }
    if (code === '') return this.#greeted ? undefined : this.#end('not-ftp');
    if (sign !== '-') return this.#reply(code, line);
    this.#openCode = code;
    return undefined;
  }

  #reply(code: string, line: string): string | undefined {
    if (code.startsWith('1')) return undefined;
    if (code === '234' || code === '235') return this.#end('encrypted');
    const command = this.#greeted ? this.#commands.shift() : undefined;
    this.#greeted = true;
    if (code === '227' || code === '229') return this.#passive(code, command, line);
    if (code.startsWith('2') && command === 'EPSV ALL') this.#epsvOnly = true;
    if (code.startsWith('2') && command === 'REIN') this.#epsvOnly = false;
    return undefined;
  }

  #passive(code: '227' | '229', command: string | undefined, line: string): string | undefined {
    const readable = isReadable(code, line);
    if (command !== (code === '227' ? 'PASV' : 'EPSV')) {
      this.#commands = [];
      return readable ? `refused ${code} unsolicited-reply` : undefined;
    }
    if (code === '227' && this.#epsvOnly) return 'refused 227 epsv-all';
    return readable ? `announcement ${code}` : `refused ${code} malformed`;
  }

  #end(state: 'not-ftp' | 'encrypted'): string {
    this.#state = state;
    return state;
  }
}
