/**
 * A descriptor that lines of a log are written to in the background: whoever logs neither waits nor fails. What the
 * reader does not take is held, up to a bound; beyond it, and without a reader (EPIPE) or room (ENOSPC), whole lines are
 * lost and counted. The next line is tried afresh, so a reader may go and another one come.
 *
 * A pipe must not block (O_NONBLOCK, which Node sets when `process.stdout` is first used): a write that waits would
 * keep the process from ending.
 *
 * @module
 */
import { write } from 'node:fs';

export interface LogOutputOptions {
  readonly descriptor: number;
  /** Characters held for a reader that is slow. */
  readonly capacity: number;
  /** Lines can be written again after so many were lost; called when all that was held is written. */
  readonly onLosses: (lines: number) => void;
}

const LINE_FEED = 0x0a;
const linesIn = (bytes: Buffer): number =>
  bytes.reduce((lines, byte) => lines + (byte === LINE_FEED ? 1 : 0), 0);

/** A full pipe is tried again after so long; the interface has no event for it. */
const RETRY_MS = 50;

export class LogOutput {
  readonly #options: LogOutputOptions;
  /** Lines that wait for the write under way to end. */
  #waiting: string[] = [];
  /** Characters of the lines that wait and of those under way. */
  #held = 0;
  #underWay: { readonly characters: number } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lost = 0;
  #untold = 0;
  #onIdle: (() => void) | undefined;
  /** Nothing is tried again. */
  #ended = false;
  /** A write failed in the middle of a line: what comes next begins on a line of its own. */
  #inLine = false;

  constructor(options: LogOutputOptions) {
    this.#options = options;
  }

  /** Lines lost since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Takes a line with its line end. */
  write(line: string): void {
    if (this.#held + line.length > this.#options.capacity) {
      this.#lose(1);
      return;
    }
    this.#waiting.push(line);
    this.#held += line.length;
    if (this.#underWay === undefined) this.#writeWaiting();
  }

  /** Resolves when all is written or lost, or after `patienceMs`; what is held then is given up. */
  async end(patienceMs: number): Promise<void> {
    if (this.#underWay === undefined) return;
    let deadline: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      deadline = setTimeout(resolve, patienceMs);
    });
    this.#ended = true;
    clearTimeout(deadline);
    clearTimeout(this.#retry);
  }

  #writeWaiting(): void {
    const lines = this.#waiting;
    const text = lines.join('');
    this.#waiting = [];
    this.#underWay = { characters: text.length };
    this.#write(Buffer.from(this.#inLine ? `\n${text}` : text), 0);
  }

  /** Writes what is behind the first `done` of them. */
  #write(bytes: Buffer, done: number): void {
    write(this.#options.descriptor, bytes, done, (error, written) => {
      if (this.#ended) return;
      if (error?.code === 'EAGAIN')
        this.#retry = setTimeout(() => {
          this.#write(bytes, done);
        }, RETRY_MS);
      else if (error !== null) this.#fail(bytes.subarray(0, done), bytes.subarray(done));
      else if (done + written < bytes.length) this.#write(bytes, done + written);
      else this.#succeed();
    });
  }

  #succeed(): void {
    this.#inLine = false;
    this.#settle();
    if (this.#waiting.length > 0) {
      this.#writeWaiting();
      return;
    }
    const untold = this.#untold;
    this.#untold = 0;
    if (untold > 0) this.#options.onLosses(untold);
    if (this.#underWay === undefined) this.#onIdle?.();
  }

  #fail(written: Buffer, unwritten: Buffer): void {
    if (written.length > 0) this.#inLine = written.at(-1) !== LINE_FEED;
    this.#lose(linesIn(unwritten) + this.#waiting.length);
    this.#settle();
    this.#waiting = [];
    this.#held = 0;
    this.#onIdle?.();
  }

  #settle(): void {
    this.#held -= this.#underWay?.characters ?? 0;
    this.#underWay = undefined;
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#untold += lines;
  }
}
