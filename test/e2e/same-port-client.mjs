/**
 * Two FTP clients, by two addresses of one host, that announce the same port and only then fetch a listing each: what
 * happens behind one translated address now and then. Prints the replies, and whether each got its listing.
 *
 *     node same-port-client.mjs SERVER-ADDRESS OWN-ADDRESS OTHER-OWN-ADDRESS
 *
 * @module
 */
import { createServer, connect } from 'node:net';
import { argv } from 'node:process';

const [, , server = '', ...addresses] = argv;
const PORT = 45_678;
const DEADLINE_MS = 10_000;

/** One control connection: `say` sends a command and answers the reply to it. */
class Session {
  #text = '';
  /** @type {((reply: string) => void) | undefined} */
  #waiting;

  /** @param {string} own address */
  constructor(own) {
    this.own = own;
    this.data = createServer();
    this.socket = connect({ port: 21, host: server, localAddress: own });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (/** @type {string} */ text) => {
      this.#text += text;
      this.#answer();
    });
  }

  /** @returns {Promise<string>} the next reply of one line */
  reply() {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#answer();
    });
  }

  /** @param {string} command */
  say(command) {
    this.socket.write(`${command}\r\n`);
    return this.reply();
  }

  #answer() {
    const end = this.#text.indexOf('\r\n');
    if (end < 0 || this.#waiting === undefined) return;
    const reply = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting(reply);
  }
}

/** @param {string} own address */
async function openSession(own) {
  const session = new Session(own);
  await new Promise((resolve) => {
    session.data.listen(PORT, own, () => {
      resolve(undefined);
    });
  });
  await session.reply();
  await session.say('USER anonymous');
  await session.say('PASS lab@example.org');
  return session;
}

/** @param {Session} session @returns {Promise<number>} bytes of the listing that comes by the next data connection */
async function list(session) {
  /** @type {Promise<number>} */
  const listing = new Promise((resolve) => {
    session.data.once('connection', (socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
      });
      socket.on('close', () => {
        resolve(bytes);
      });
    });
  });
  await session.say('LIST');
  const bytes = await listing;
  await session.reply();
  return bytes;
}

setTimeout(() => {
  console.log('no listing in time');
  process.exit(1);
}, DEADLINE_MS).unref();

const sessions = await Promise.all(addresses.map(openSession));
for (const session of sessions) {
  const announcement = `PORT ${[...session.own.split('.'), PORT >> 8, PORT & 0xff].join(',')}`;
  console.log((await session.say(announcement)).slice(0, 3));
}
for (const session of sessions) console.log((await list(session)) > 0 ? 'listing' : 'nothing');
for (const session of sessions) {
  session.socket.destroy();
  session.data.close();
}
