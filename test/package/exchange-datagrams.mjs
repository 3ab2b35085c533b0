/**
 * Sends COUNT datagrams of LENGTH bytes to PORT of the loopback and prints how many arrived there; ends when all have.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { argv } from 'node:process';

/** More of them at once may not fit into the receive buffer. */
const UNDER_WAY = 20;

const [port = 0, count = 0, length = 0] = argv.slice(2).map(Number);
const socket = createSocket('udp4');
let sent = 0;
let arrived = 0;

function send() {
  if (sent === count) return;
  sent += 1;
  socket.send(Buffer.alloc(length), port, '127.0.0.1');
}

socket.on('message', () => {
  arrived += 1;
  send();
  if (arrived < count) return;
  console.log(arrived);
  socket.close();
});
socket.bind(port, '127.0.0.1', () => {
  for (let first = 0; first < UNDER_WAY; first += 1) send();
});
