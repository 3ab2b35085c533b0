/**
 * FTP clients that keep their control connections and fetch a small file again and again, each in one mode. Prints an
 * object a line: each transfer as it ends, and each control connection when it is lost or, at SIGTERM, has said goodbye.
 *
 *     node keeping-client.mjs ADDRESS/MODE/NUMBER…
 *
 * @module
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { argv } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const FILE = 'first.bin';
/** A data connection that the firewall lets by is there in milliseconds. */
const DATA_PATIENCE_MS = 3_000;
/** A control connection that says nothing for so long is lost, retransmissions included. */
const CONTROL_PATIENCE_MS = 40_000;
/** So that the sessions of a busy machine leave something to those who shall serve them. */
const BETWEEN_TRANSFERS_MS = 20;

let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});

class ControlConnection {
  #text = '';
  /** @type {string | undefined} */
  #end;
  /** @type {(() => void) | undefined} */
  #news;

  /** @param {string} address */
  constructor(address) {
    this.socket = connect({ port: 21, host: address });
    this.socket.setEncoding('latin1').setNoDelay();
    this.socket.on('data', (/** @type {string} */ text) => {
      this.#text += text;
      this.#news?.();
    });
    this.socket.on('error', (error) => {
      this.#end = error.message;
    });
    this.socket.on('close', () => {
      this.#end ??= 'closed by the server';
      this.#news?.();
    });
  }

  /** @returns {Promise<string>} the next reply, the last line of it */
  async reply() {
    const deadline = AbortSignal.timeout(CONTROL_PATIENCE_MS);
    for (;;) {
      const last = /^\d{3} .*\r\n/m.exec(this.#text);
      if (last !== null) {
        this.#text = this.#text.slice(last.index + last[0].length);
        return last[0].trimEnd();
      }
      if (this.#end !== undefined) throw new Error(this.#end);
      await new Promise((resolve, reject) => {
        this.#news = () => {
          resolve(undefined);
        };
        deadline.addEventListener('abort', () => {
          reject(new Error('no reply'));
        });
      });
    }
  }

  /** @param {string} command */
  async say(command) {
    this.socket.write(`${command}\r\n`);
    return this.reply();
  }
}

/** @param {import('node:net').Socket} socket */
async function bytesOf(socket) {
  let bytes = 0;
  for await (const chunk of /** @type {AsyncIterable<Buffer>} */ (socket)) bytes += chunk.length;
  return bytes;
}

/** @param {string} reply to PASV or EPSV */
function announcedPort(reply) {
  const [, high, low] = /(\d+),(\d+)\)/.exec(reply) ?? [];
  const [, port] = /\|\|\|(\d+)\|/.exec(reply) ?? [];
  return port === undefined ? Number(high) * 256 + Number(low) : Number(port);
}

/**
 * @param {ControlConnection} control @param {string} mode PASV or EPSV
 * @returns {Promise<number>} bytes that arrived; 0 where the data connection did not come about
 */
async function fetchPassive(control, mode) {
  const reply = await control.say(mode);
  const data = connect({ port: announcedPort(reply), host: control.socket.remoteAddress ?? '' });
  try {
    await once(data, 'connect', { signal: AbortSignal.timeout(DATA_PATIENCE_MS) });
  } catch {
    data.destroy();
    return 0;
  }
  const bytes = bytesOf(data);
  await control.say(`RETR ${FILE}`);
  await control.reply();
  return bytes;
}

/**
 * @param {ControlConnection} control @param {string} mode PORT or EPRT
 * @returns {Promise<number>} bytes that arrived; 0 where the data connection did not come about
 */
async function fetchActive(control, mode) {
  const address = control.socket.localAddress ?? '';
  const listener = createServer().listen(0, address);
  await once(listener, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address());
  /** @type {Promise<number>} */
  const bytes = new Promise((resolve) => {
    listener.once('connection', (data) => {
      resolve(bytesOf(data));
    });
  });
  try {
    const numbers = [...address.split('.'), port >> 8, port & 0xff].join(',');
    const family = address.includes(':') ? 2 : 1;
    await control.say(mode === 'PORT' ? `PORT ${numbers}` : `EPRT |${family}|${address}|${port}|`);
    const reply = await control.say(`RETR ${FILE}`);
    if (!reply.startsWith('1')) return 0;
    await control.reply();
    return await bytes;
  } finally {
    listener.close();
  }
}

/** @param {string} name ADDRESS/MODE/NUMBER */
async function keep(name) {
  const [address = '', mode = ''] = name.split('/');
  const control = new ControlConnection(address);
  try {
    await control.reply();
    await control.say('USER anonymous');
    await control.say('PASS lab@example.org');
    await control.say('TYPE I');
    while (!stopping) {
      const begun = Date.now();
      // Whoever reads along from now on needs a line, each way, to be in step.
      await control.say('NOOP');
      const fetchOne = mode === 'PASV' || mode === 'EPSV' ? fetchPassive : fetchActive;
      const bytes = await fetchOne(control, mode);
      console.log(JSON.stringify({ event: 'transfer', session: name, begun, ended: Date.now(), bytes }));
      await pause(BETWEEN_TRANSFERS_MS);
    }
    await control.say('QUIT');
    console.log(JSON.stringify({ event: 'kept', session: name }));
  } catch (error) {
    console.log(JSON.stringify({ event: 'lost', session: name, why: String(error) }));
  } finally {
    control.socket.destroy();
  }
}

await Promise.all(argv.slice(2).map(keep));
