/**
 * Writes log lines to a descriptor in the background: logging neither blocks nor fails. Lines that the reader has not
 * read yet are buffered up to a limit. Beyond the limit, without a reader (EPIPE) or without disk space (ENOSPC), whole
 * lines are dropped and counted. Each new line is tried again, so one reader may leave and another may take over.
 *
 * A pipe must not block (O_NONBLOCK, which Node sets when `process.stdout` is first used): a write that blocks would
 * keep the process from exiting.
 *
 * @module
 */
import { write } from 'node:fs';

export interface LogOutputOptions {
  readonly descriptor: number;
  /** Characters buffered for a slow reader. */
  readonly capacity: number;
  /** Called with the number of dropped lines once all buffered lines are written and there is room again. */
  readonly onLosses: (lines: number) => void;
}

const LINE_FEED = 0x0a;
const linesIn = (bytes: Buffer): number =>
  bytes.reduce((lines, byte) => lines + (byte === LINE_FEED ? 1 : 0), 0);

/** Delay before a full pipe is tried again; `fs.write` has no event for it. */
const RETRY_MS = 50;

export class LogOutput {
  readonly #options: LogOutputOptions;
  /** Lines that wait until the current write ends. */
  #waiting: string[] = [];
  /** Characters of the lines that wait and of those being written. */
  #held = 0;
  #current: { readonly characters: number } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #dropped = 0;
  #unreported = 0;
  #onIdle: (() => void) | undefined;
  /** No write is tried again. */
  #ended = false;
  /** A write failed in the middle of a line: the next write starts with a line feed. */
  #inLine = false;

  constructor(options: LogOutputOptions) {
    this.#options = options;
  }

  /** Lines dropped since the start. */
  get lost(): number {
    return this.#dropped;
  }

  /** Takes one line, including its line feed. */
  write(line: string): void {
    if (this.#held + line.length > this.#options.capacity) {
      this.#drop(1);
      return;
    }
    this.#waiting.push(line);
    this.#held += line.length;
    if (this.#current === undefined) this.#writeWaiting();
  }

  /** Resolves when all lines are written or dropped, or after `patienceMs`; lines still buffered then are dropped. */
  async end(patienceMs: number): Promise<void> {
    if (this.#current === undefined) return;
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
    this.#current = { characters: text.length };
    this.#write(Buffer.from(this.#inLine ? `\n${text}` : text), 0);
  }

  /** Writes the bytes after the first `done`. */
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
    this.#writeEnded();
    if (this.#waiting.length > 0) {
      this.#writeWaiting();
      return;
    }
    const unreported = this.#unreported;
    this.#unreported = 0;
    if (unreported > 0) this.#options.onLosses(unreported);
    if (this.#current === undefined) this.#onIdle?.();
  }

  #fail(written: Buffer, unwritten: Buffer): void {
    if (written.length > 0) this.#inLine = written.at(-1) !== LINE_FEED;
    this.#drop(linesIn(unwritten) + this.#waiting.length);
    this.#writeEnded();
    this.#waiting = [];
    this.#held = 0;
    this.#onIdle?.();
  }

  #writeEnded(): void {
    this.#held -= this.#current?.characters ?? 0;
    this.#current = undefined;
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    this.#unreported += lines;
  }
}
