/**
 * A lock-step dialogue over TCP with a countable number of segments: each side sends one line only after it received
 * the other's, and late enough that the received line was acknowledged by a separate segment.
 *
 *   node dialogue.mjs serve PORT              answers each line; prints `ready` when it listens
 *   node dialogue.mjs talk ADDRESS PORT N     sends N lines, ends with 0 when all were answered
 *
 * @module
 */
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** Longer than Linux delays an acknowledgment, TCP_DELACK_MIN = 40 ms. */
const PAUSE_MS = 60;
const CONNECT_DEADLINE_MS = 2000;

/** @param {number} port */
function serve(port) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', () => {
      setTimeout(() => socket.write('200 OK\r\n'), PAUSE_MS);
    });
  });
  server.listen(port, '::', () => {
    console.log('ready');
  });
}

/**
 * @param {string} address
 * @param {number} port
 * @param {number} lines
 */
function talk(address, port, lines) {
  const socket = connect({ host: address, port });
  const deadline = setTimeout(() => {
    console.error('no connection');
    process.exit(1);
  }, CONNECT_DEADLINE_MS);
  let left = lines;
  const next = () => {
    if (left-- > 0) setTimeout(() => socket.write('NOOP\r\n'), PAUSE_MS);
    else socket.end();
  };
  socket.once('connect', () => {
    clearTimeout(deadline);
    next();
  });
  createInterface({ input: socket }).on('line', next);
}

const [mode = '', ...parameters] = process.argv.slice(2);
if (mode === 'serve') serve(Number(parameters[0]));
else talk(parameters[0] ?? '', Number(parameters[1]), Number(parameters[2]));
