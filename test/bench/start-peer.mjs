/**
 * Starts the daemon beside an FTP control connection that is there already, in a namespace with the daemon's rules, and prints how
 * many milliseconds after its start the daemon was ready, and had passed the connection's next packet.
 *
 *     node start-peer.mjs PROGRAM ARGUMENT…
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { argv } from 'node:process';
import { createInterface } from 'node:readline';

const PORT = 21;
const HOST = '127.0.0.1';

/** @returns the two ends of a control connection on which the server has greeted */
async function openConnection() {
  const server = createServer({ noDelay: true }).listen(PORT, HOST);
  await once(server, 'listening');
  const connected = /** @type {Promise<[import('node:net').Socket]>} */ (once(server, 'connection'));
  const client = connect({ port: PORT, host: HOST, noDelay: true });
  const [accepted] = await connected;
  accepted.write('220 ready\r\n');
  await once(client, 'data');
  return { server, client, accepted };
}

/**
 * @param {import('node:readline').Interface} lines
 * @param {string} event
 * @returns {Promise<{ packets?: number }>} the line of the daemon's log with that event
 */
async function awaitEvent(lines, event) {
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      /** @type {unknown} */
      const parsed = JSON.parse(line);
      const record = /** @type {{ event?: string, packets?: number }} */ (parsed);
      if (record.event === event) resolve(record);
    });
    lines.once('close', () => {
      reject(new Error(`the daemon ended before its event ${event}`));
    });
  });
}

const [, , program = '', ...args] = argv;
const { server, client, accepted } = await openConnection();
const began = performance.now();
const daemon = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
const lines = createInterface({ input: daemon.stdout });
const stopped = awaitEvent(lines, 'stopped');
await awaitEvent(lines, 'ready');
const ready = performance.now() - began;
client.write('NOOP\r\n');
await once(accepted, 'data');
const verdict = performance.now() - began;
daemon.kill('SIGTERM');
const { packets } = await stopped;
client.destroy();
server.close();
console.log(JSON.stringify({ ready, verdict, packets }));
