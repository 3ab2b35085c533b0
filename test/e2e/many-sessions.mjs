/**
 * A client with several control connections, logged in one after the other. Then each line of its standard input is a command
 * for the session of the same number as the line (and from the first again), with its reply printed; the end of input
 * ends it.
 *
 *     node many-sessions.mjs SERVER-ADDRESS SESSIONS
 *
 * @module
 */
import { connect } from 'node:net';
import { argv, stdin } from 'node:process';
import { createInterface } from 'node:readline';

const [, , server = '', count = '1'] = argv;

/** @returns {Promise<(command: string) => Promise<string>>} says a command and answers its reply, of one line */
async function openSession() {
  const socket = connect({ port: 21, host: server });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async () => String((await lines.next()).value);
  await reply();
  /** @param {string} command */
  const say = (command) => {
    socket.write(`${command}\r\n`);
    return reply();
  };
  await say('USER anonymous');
  await say('PASS lab@example.org');
  return say;
}

/** @type {((command: string) => Promise<string>)[]} */
const sessions = [];
for (let session = 0; session < Number(count); session++) sessions.push(await openSession());
console.log('ready');
let turn = 0;
for await (const command of createInterface({ input: stdin })) {
  const say = sessions[turn++ % sessions.length];
  if (say !== undefined) console.log(await say(command));
}
process.exit(0);
